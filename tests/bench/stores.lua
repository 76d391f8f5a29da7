-- Our side of tests/bench/stores; stores_reference.js is zustand's, and does the same. BENCH says
-- what to measure, BENCH_N how many messages there are, BENCH_SUBS how many subscribers.
local env = require "tidelock.env"
local input = require "tidelock.input"
local json = require "tidelock.json"
local script = require "tidelock.script"
local store = require "tidelock.store"
local task = require "tidelock.task"
local timer = require "tidelock.timer"

local mode = env.get "BENCH"
local n = math.tointeger(tonumber(env.get("BENCH_N", "0")))
local subscribers = tonumber(env.get("BENCH_SUBS", "0"))

local chat = store.define("chat", {
  initial = { messages = json.array {}, n = 0 },
  persist = mode ~= "memory" and { "messages", "n" } or nil,
})

-- As the reference plan has it.
local function message(i)
  return {
    id = ("8b0c6d1e-52f7-4c55-9f0e-%012d"):format(i),
    createdAt = "2024-05-01T12:00:00.000Z", updatedAt = "2024-05-01T12:00:00.000Z",
    sessionId = ("11111111-2222-4333-8444-%012d"):format(i // 1000), userId = "user-1",
    content = "Ships in port are safe, but that is not what they are for. " .. i,
    type = "user", status = "sent", metadata = { confidence = 0.5, processingTime = i },
  }
end

local function fill()
  for from = 1, n, 1000 do
    chat:change("fill", function(draft)
      for i = from, math.min(n, from + 999) do table.insert(draft.messages, message(i)) end
    end)
    task.sleep(0)
  end
end

local function result(number)
  print(("result %.9f"):format(number))
end

-- Seconds for each of `times` runs, the best of five; a tenth first, to warm up.
local function each(times, fn)
  local best = math.huge
  for i = 1, times // 10 do fn(i) end
  for round = 1, 5 do
    local from = timer.now()
    for i = 1, times do fn(round * times + i) end
    best = math.min(best, (timer.now() - from) / times)
  end
  return best
end

-- The longest time beyond a millisecond between two wakings.
local worst, last = 0, nil
local function watch()
  last = timer.now()
  timer.every(0.001, function()
    local now = timer.now()
    worst, last = math.max(worst, now - last - 0.001), now
  end)
end

local function one_message(i)
  chat:change("read", function(draft)
    draft.messages[i * 7919 % n + 1].status = "read " .. i
  end)
end

local heard = 0
local function subscribe()
  for _ = 1, subscribers do chat:subscribe("n", function() heard = heard + 1 end) end
  task.sleep(0)
end

local modes = {}

-- One field, by set; subscribers hear of each.
function modes.set()
  subscribe()
  local took = each(20000, function(i) chat:set { n = i } task.sleep(0) end)
  assert(subscribers == 0 or heard > 20000)
  return took
end

-- As many subscribers, of another field.
function modes.other()
  for _ = 1, subscribers do chat:subscribe("messages", function() heard = heard + 1 end) end
  local took = each(20000, function(i) chat:set { n = i } task.sleep(0) end)
  assert(heard == 0)
  return took
end

function modes.change()
  subscribe()
  return each(20000, function(i) chat:change(function(d) d.n = i end) task.sleep(0) end)
end

-- The call alone; subscribers hear once, at the end.
function modes.call()
  subscribe()
  return each(50000, function(i) chat:set { n = i } end)
end

-- One of N messages, kept on disk.
function modes.message()
  fill()
  return each(5000, function(i) one_message(i) task.sleep(0) end)
end

-- For bytes written: on "go", 20 changes, each longer after the last than persist_delay.
function modes.bytes()
  fill()
  input.on_line(function()
    for i = 1, 20 do
      one_message(i)
      task.sleep(0.15)
    end
    print "done"
  end)
  print "ready"
end

-- The longest gap while messages change, one each turn, and are written.
function modes.gap()
  fill()
  task.sleep(1)
  watch()
  local stop, i = timer.now() + 2, 0
  while timer.now() < stop do
    i = i + 1
    one_message(i)
    task.sleep(0.002)
  end
  return worst
end

-- The longest gap while all are put in, a thousand a turn, and are first written.
function modes.first()
  watch()
  task.sleep(0.01)
  fill()
  task.sleep(1)
  return worst
end

function modes.memory()
  fill()
  for _ = 1, 3 do collectgarbage() end
  print "ready"
  input.on_line(function() end)
end

-- To be started again by the next ones, once all is on disk.
function modes.keep()
  fill()
  print "ready"
  input.on_line(function() end)
end

function modes.open() print "ready" end

-- Reads nothing and stays.
function modes.stay()
  print "ready"
  input.on_line(function() end)
end

function modes.open_one()
  assert(chat:get("messages", n // 2).id == message(n // 2).id)
  print "ready"
end

function modes.open_all()
  local bytes = 0
  for _, item in ipairs(chat:get "messages") do bytes = bytes + #item.content end
  assert(bytes > n * 50)
  print "ready"
end

-- How long the first look at all that is kept holds everybody up.
function modes.touch()
  local from = timer.now()
  assert(#chat:get "messages" == n)
  return timer.now() - from
end

-- The longest gap while it is read by store:load.
function modes.load()
  watch()
  task.sleep(0.01)
  assert(#chat:load "messages" == n)
  task.sleep(0.01)
  return worst
end

script.on_start(function()
  local number = modes[mode]()
  if number then
    result(number)
    script.exit(0)
  end
end)
