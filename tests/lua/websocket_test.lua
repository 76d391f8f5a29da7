-- A plain WebSocket between this program's own client and server.
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local srv, closed
local count = 0

test.before_each(function()
  closed = nil
  srv = server.listen("s" .. count, { port = 0 })
  srv:websocket("/echo", {
    accept = function() return "b" end,
    message = function(ws, data, binary)
      if data == "go" then ws:close(4005, "größer") else ws:send(data, binary) end
    end,
    close = function(_, code, reason) closed = { code, reason } end,
  })
  wait_for(function() return srv.port end)
end)

test.after_each(function() srv:close() end)

local function connected(heartbeat)
  count = count + 1
  local s = socket.connect("c" .. count, {
    url = ("ws://127.0.0.1:%d/echo"):format(srv.port), protocol = "websocket",
    subprotocols = { "a", "b" }, reconnect = false, heartbeat = heartbeat,
  })
  wait_for(function() return s.connected end)
  return s
end

test.it("agrees on a subprotocol, and echoes", function()
  local s = connected()
  expect(s.subprotocol).is "b"
  local got, kind
  s:on("message", function(data, binary) got, kind = data, binary end)
  s:send("\xff", { binary = true })
  wait_for(function() return got end)
  expect(got).is "\xff"
  expect(kind).is(true)
  s:disconnect()
end)

test.it("pings are answered, those of the heartbeat too", function()
  local s = connected { interval = 0.02, timeout = 0.2 }
  expect(math.type(s:ping())).is "float"
  task.sleep(0.4)
  expect(s.connected).is(true)
  s:disconnect()
end)

test.it("carries the reason of a close, both ways", function()
  local s, info = connected(), nil
  s:disconnect(4001, "größer")
  wait_for(function() return closed end)
  expect(closed).equals { 4001, "größer" }
  s = connected()
  s:on("disconnect", function(_, got) info = got end)
  s:send "go"
  wait_for(function() return info end)
  expect(info.code).is(4005)
  expect(info.close_reason).is "größer"
end)
