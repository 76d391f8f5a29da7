-- What large objects cost in a store, with 100,000 and with 1,000,000 keys, beside an array of as many items.
--   build/tidelock run tests/bench/large.lua --memory --no-watch --turn-limit 60
--   build/tidelock run tests/bench/large.lua --data FOLDER --no-watch --turn-limit 60 -- disk
local script = require "tidelock.script"
local store = require "tidelock.store"
local task = require "tidelock.task"
local timer = require "tidelock.timer"

local disk <const> = (script.args or {})[1] == "disk"

-- Of CPU time.
local function cost(name, times, fn)
  collectgarbage()
  local from = os.clock()
  fn()
  local took = os.clock() - from
  print(("%-34s %9.1f ms  %10.3f us each"):format(name, took * 1e3, took * 1e6 / times))
  task.sleep(0)
end

local function flush(s, name)
  if not disk then return end
  local from = timer.now()
  assert(s:flush())
  print(("%-34s %9.1f ms of wall clock"):format("flush of " .. name, (timer.now() - from) * 1e3))
end

local function measure(n)
  local object, array, keys = {}, {}, {}
  for i = 1, n do
    keys[i], array[i] = "key" .. i, i
    object[keys[i]] = i
  end
  local options = { initial = { o = {}, a = {} }, history = { count = 3 }, persist = disk or nil }
  local s = store.define("s" .. n, options)
  print(n .. " keys")
  cost("set of an array", n, function() s:set { a = array } end)
  cost("set of an object", n, function() s:set { o = object } end)
  flush(s, "both")
  local view = s:get "o"
  cost("get of each key by path", n, function() for i = 1, n do s:get("o", keys[i]) end end)
  cost("each key of one view", n, function() for i = 1, n do local _ = view[keys[i]] end end)
  cost("pairs", n, function() for _ in pairs(view) do end end)
  local function change() for i = 1, 1000 do s:change(function(draft) draft.o[keys[i]] = -i end) end end
  cost("change of one key, 1000 times", 1000, change)
  flush(s, "1000 keys")
  local subscription = s:subscribe("o.key5", function() end)
  cost("and with a subscriber of a path", 1000, function()
    for i = 1, 1000 do s:change(function(draft) draft.o.key5 = -i - n end) end
  end)
  subscription:off()
  cost("undo of one key", 1, function() s:undo() end)
  object.key9 = -1
  cost("set again, one key differs", n, function() s:set { o = object } end)
  flush(s, "that")
  cost("undo of that", 1, function() s:undo() end)
end

script.on_start(function()
  measure(100000)
  measure(1000000)
  script.exit()
end)
