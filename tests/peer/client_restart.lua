-- A server restarted RESTARTS times under load (restart_server.js): numbered events come in order,
-- none twice; calls end once, as the server saw them. What the restarts lost is told by the
-- connection that came back: `recovered` is false. With RECOVERY=1 the server keeps the state of
-- connections, and nothing may be lost. Run by restart_test.sh.
local env = require "tidelock.env"
local http = require "tidelock.http"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local control = env.get "CONTROL"
local restarts = math.tointeger(tonumber(env.get("RESTARTS", "10")))
local recovery = env.get "RECOVERY" == "1"
test.timeout = 300

-- What came of a run; gap: numbers were left out; back: the connection came back, and
-- whether as what it was.
local seen = {
  last = 0, numbers = 0, gaps = 0, untold = 0, wrong = 0, connects = 0, recovered = 0, calls = 0, broken = 0,
}
local over
local chat

local function on_number(n)
  if n <= seen.last then
    seen.wrong = seen.wrong + 1
  elseif n > seen.last + 1 and seen.last > 0 then
    seen.gaps = seen.gaps + 1
    if not seen.back then seen.untold = seen.untold + 1 end
  end
  seen.back = false
  seen.last, seen.numbers = math.max(n, seen.last), seen.numbers + 1
end

local function on_state(state, info)
  if state ~= "connected" then return end
  seen.connects = seen.connects + 1
  if chat.recovered then seen.recovered = seen.recovered + 1 end
  if seen.connects > 1 then
    expect(info.recovered).is(chat.recovered)
    seen.back = not info.recovered
  end
end

-- Calls, one after the other, until the end.
local function ask(results)
  while not over do
    local id = "call " .. #results
    local reply, err = chat:timeout(5):call("count", id)
    results[#results + 1] = { id = id, reply = reply, err = err }
    seen.calls = seen.calls + 1
    if err then wait_for(function() return chat.connected or over end, 10) end
  end
end

local function agrees(result, count)
  if result.reply then
    expect(result.reply).is(result.id)
    expect(count).is(1)
    return
  end
  seen.broken = seen.broken + 1
  expect(result.err.code, tostring(result.err)).is "CLOSED"
  expect(count <= 1).is(true)
end

test.describe("a server restarted under load", function()
  local promise = "none doubled, in order, " .. (recovery and "none lost" or "each gap told")
  test.it(promise, function()
    local url = assert(http.get(("%s/go?restarts=%d"):format(control, restarts))).body
    chat = socket.connect("chat", {
      url = url, reconnect = { delay = 0.005, max_delay = 0.02 }, transports = { "websocket" },
    })
    chat:on("n", on_number)
    chat:on("over", function(last) over = last end)
    chat:on_state(on_state)
    local results = {}
    local asking = task.spawn(ask, results)
    wait_for(function() return over end, 280)
    asking:await()
    local counts = assert(http.get(control .. "/seen")):json()
    for _, result in ipairs(results) do agrees(result, counts[result.id] or 0) end
    print(("# %d events, %d connections, %d recovered, %d gaps, %d calls, %d broken off"):format(
      seen.numbers, seen.connects, seen.recovered, seen.gaps, seen.calls, seen.broken))
    expect(seen.wrong, "out of order, or twice").is(0)
    expect(seen.untold, "gaps that nothing told").is(0)
    expect(seen.last).is(over)
    expect(seen.connects).is(restarts + 1)
    if restarts > 0 then expect(seen.broken > 0).is(true) end
    if recovery then
      expect(seen.recovered).is(restarts)
      expect(seen.gaps).is(0)
      expect(seen.numbers).is(over)
    end
    chat:disconnect()
  end)
end)
