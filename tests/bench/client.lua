-- Our side of the benches; client_reference.js is the reference client's, and says what each
-- figure means. Run by tests/bench/run.
local env = require "tidelock.env"
local script = require "tidelock.script"
local task = require "tidelock.task"
local timer = require "tidelock.timer"

local mode = env.get("BENCH")
local n = math.tointeger(tonumber(env.get("BENCH_N", "1")))
local shape = env.get("BENCH_SHAPE", "message")

local function result(number)
  print(string.format("result %.6f", number))
  script.exit(0)
end

local function connect(name, reconnect)
  local socket = require "tidelock.socket"
  return socket.connect(name, {
    url = env.get("WS_URL"), transports = { "websocket" }, ca = env.get("WS_CA"), reconnect = reconnect,
  })
end

local chat_message = {
  id = "8b0c6d1e-52f7-4c55",
  sessionId = "9f0e3f2b-6a5d-4c11",
  userId = "grace",
  content = "Ships in port are safe, but that is not what ships are built for.",
  type = "user",
  status = "delivered",
  createdAt = "2024-03-01T09:30Z",
  metadata = { confidence = 0.875, processingTime = 42 },
}

local function quantile(values, share)
  table.sort(values)
  return values[math.floor((#values - 1) * share) + 1]
end

local modes = {}

function modes.start()
  connect("bench"):on("hello", function()
    print("first")
    script.exit(0)
  end)
end

function modes.idle()
  local open = 0
  for i = 1, n do
    connect("bench" .. i):on("hello", function()
      open = open + 1
      if open == n then print("ready") end
    end)
  end
end

function modes.events()
  local socket = connect("bench")
  local seen, from = 0, nil
  socket:on("tick", function(message) seen = seen + (message.id and 1 or 0) end)
  socket:on("hello", function() socket:emit("flood", n // 10, shape) end)
  socket:on("flooded", function(count)
    if not from then
      from, seen = timer.now(), 0
      return socket:emit("flood", n, shape)
    end
    local took = timer.now() - from
    assert(seen == count, "events were lost")
    result(n / took)
  end)
end

function modes.acks()
  local socket = connect("bench")
  socket:on("hello", function()
    for _ = 1, n // 10 do assert(socket:call("ping", 1)) end
    local from = timer.now()
    for _ = 1, n do assert(socket:call("ping", 1)) end
    result((timer.now() - from) / n * 1e6)
  end)
end

function modes.out()
  local socket = connect("bench")
  local from
  socket:on("sunk", function() result(n / (timer.now() - from)) end)
  socket:on("hello", function()
    socket:emit("sink", n)
    task.sleep(0.1)
    from = timer.now()
    for i = 1, n do
      assert(socket:emit("chat", chat_message))
      if i % 500 == 0 then task.sleep(0) end
    end
  end)
end

function modes.trips()
  local socket = connect("bench")
  socket:on("hello", function()
    local took = {}
    for i = -n // 10, n do
      local from = timer.now()
      assert(socket:call("ping", 1))
      if i > 0 then took[i] = timer.now() - from end
    end
    result(quantile(took, shape == "99" and 0.99 or 0.5) * 1e6)
  end)
end

function modes.restart()
  local socket = connect("bench", shape ~= "defaults" and { delay = 0.01, max_delay = 0.02 } or nil)
  local took, from = {}, nil
  socket:on_state(function(state) if state == "reconnecting" then from = timer.now() end end)
  socket:on("hello", function()
    if from then took[#took + 1] = timer.now() - from end
    if #took == n then return result(quantile(took, 0.5) * 1e3) end
    socket:emit("restart")
  end)
end

function modes.timers()
  local rounds, left = 5, 0
  local from
  local round
  local function fired()
    left = left - 1
    if left > 0 then return end
    rounds = rounds - 1
    if rounds > 0 then return round() end
    result(5 * n / (timer.now() - from))
  end
  function round()
    left = n
    for _ = 1, n do timer.after(0.001, fired) end
  end
  script.on_start(function()
    from = timer.now()
    round()
  end)
end

modes[mode]()
