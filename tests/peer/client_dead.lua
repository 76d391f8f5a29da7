-- A network that dies without a word, and is there again for whoever connects anew: run by dead_test.sh.
local env = require "tidelock.env"
local http = require "tidelock.http"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect, wait_for = test.expect, test.wait_for

local function comes_back(name, transports, last)
  local s = socket.connect(name, { url = env.get "WS_URL", auto_connect = false, transports = transports,
    reconnect = { delay = 0.01, max_delay = 0.02 } })
  local lost
  s:on_state(function(state, info)
    if state == "reconnecting" and not lost then lost = { at = timer.now(), why = info.reason } end
  end)
  s:connect()
  wait_for(function() return s.connected and s.transport == last end)
  local control = "http://127.0.0.1:" .. s:call "control"
  for round = 1, 3 do
    for i = 1, 5 do s:call("echo", i) end
    if round == 2 then task.sleep(1.2) end
    lost = nil
    expect(http.get(control).body ~= "0").is(true)
    wait_for(function() return lost end)
    expect(lost.why).is "ping timeout"
    wait_for(function() return s.connected end)
    local took = timer.now() - lost.at
    if took > 1 then error(("connected again after %.2f s"):format(took)) end
    expect(s:call("echo", "again")).is "again"
    wait_for(function() return s.transport == last end)
  end
  s:disconnect()
end

test.describe("behind a network that died, a connection comes back at once", function()
  test.it("by polling", function() comes_back("polling", { "polling" }, "polling") end)
  test.it("by polling and the upgrade", function()
    comes_back("both", { "polling", "websocket" }, "websocket")
  end)
  test.it("by WebSocket", function() comes_back("websocket", { "websocket" }, "websocket") end)
end)
