-- For store_kill_test.sh: says what two stores hold, then changes them as fast as it can, by rules
-- that the reader of its lines plays again. Each line is printed after the change it names.
local json = require "tidelock.json"
local script = require "tidelock.script"
local store = require "tidelock.store"
local timer = require "tidelock.timer"
local task = require "tidelock.task"

local delay, flushing = tonumber(script.args[1]), script.args[2] == "flush"
local list = store.define("list", {
  initial = { n = 0, twin = 0, items = json.array {}, batch = json.array {}, scratch = 0 },
  persist = { "n", "twin", "items", "batch" }, persist_delay = delay,
})
local map = store.define("map", {
  initial = { n = 0, by_key = json.object {} },
  persist = { "n", "by_key" }, persist_delay = delay,
})

local function text(n) return ("x"):rep(n * 31 % 300) end

local function change_list(d)
  local n = d.n + 1
  d.n, d.twin, d.scratch = n, n, n
  table.insert(d.items, n * 7919 % (#d.items + 1) + 1, { id = n, text = text(n) })
  if n % 3 == 0 then d.items[n * 104729 % #d.items + 1].seen = n end
  if n % 5 < 2 and #d.items > 200 then table.remove(d.items, n * 15485863 % #d.items + 1) end
  if n % 40 == 0 then
    d.batch = json.array {}
    for i = 1, n // 40 % 2 * 100 + 100 do d.batch[i] = { of = n, text = text(n + i) } end
  end
end

local function change_map(d)
  local n = d.n + 1
  d.n = n
  local key = "key " .. n * 7919 % 500
  if n % 4 == 0 then d.by_key[key] = nil else d.by_key[key] = { n = n, text = text(n) } end
end

-- What is said here is on disk.
local function flush()
  while true do
    local a, b = list:get "n", map:get "n"
    if list:flush() and map:flush() then print(("FLUSHED %d %d %.6f"):format(a, b, timer.now())) end
    task.sleep(0.005)
  end
end

script.on_start(function()
  print("STATE " .. json.encode { list = list:get(), map = map:get() })
  if flushing then task.spawn(flush) end
  while true do
    list:change(change_list)
    map:change(change_map)
    print(("CHANGED %d %d %.6f"):format(list:get "n", map:get "n", timer.now()))
    task.sleep(0)
  end
end)
