-- A server that falls silent and does not hang up, and one that is only quiet: run by
-- frozen_test.sh against a server with a heartbeat of 0.1 s.
local env = require "tidelock.env"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect, wait_for = test.expect, test.wait_for

local transport = env.get "TRANSPORT"

local function connected(name, more)
  local options = { url = env.get "WS_URL", auto_connect = false, transports = { transport },
    reconnect = { delay = 0.01, max_delay = 0.01 } }
  for key, value in pairs(more or {}) do options[key] = value end
  local s, states = socket.connect(name, options), {}
  s:on_state(function(state, info) states[#states + 1] = { state = state, info = info, at = timer.now() } end)
  s:connect()
  wait_for(function() return s.connected end)
  return s, states
end

test.describe("a server with a heartbeat", function()
  test.it("that is quiet keeps its connection", function()
    local s, states = connected "quiet"
    local id = s.id
    expect(s:call("late", 1000)).is "late" -- ten heartbeats later
    expect(s.id).is(id)
    expect(#states).is(2)
    s:disconnect()
  end)

  test.it("that is stopped is noticed in time, and connected to again when it goes on", function()
    local s, states = connected("frozen", { timeout = 0.3 })
    local id, from = s.id, timer.now()
    s.volatile:emit("freeze", 1500)
    wait_for(function() return #states > 2 end)
    expect(states[3].state).is "reconnecting"
    expect(states[3].info.reason).is "ping timeout"
    expect(states[3].info.will_retry).is(true)
    local took = states[3].at - from
    if took > 1 then error(("noticed after %.2f s"):format(took)) end
    wait_for(function() return s.connected end)
    expect(s.id == id).is(false)
    expect(s:call("echo", 1)).is(1)
    s:disconnect()
  end)
end)
