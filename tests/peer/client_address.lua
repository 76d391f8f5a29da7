-- Addresses of a server: run by address_test.sh, CASE by CASE.
local env = require "tidelock.env"
local http = require "tidelock.http"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect, wait_for = test.expect, test.wait_for

local port, case = env.get "PORT", env.get "CASE"
local count = 0

-- Connects by the transport, gives how long that took and what the server saw.
local function connect(host, transport)
  count = count + 1
  local from, last = timer.now(), {}
  local chat = socket.connect("a" .. count, {
    url = ("http://%s:%s"):format(host, port), transports = { transport },
    reconnect = false, auto_connect = false,
  })
  chat:on_state(function(state, info) last.state, last.info = state, info end)
  chat:connect()
  wait_for(function() return last.state == "connected" or last.state == "closed" end)
  if last.state == "closed" then error(tostring(last.info.error)) end
  local took = timer.now() - from
  expect(chat.transport).is(transport)
  expect(chat:call("whoami").headers.host).is(("%s:%s"):format(host, port))
  chat:disconnect()
  return took
end

local function request(host)
  local from = timer.now()
  expect(assert(http.get(("http://%s:%s/"):format(host, port))).status).is(404)
  return timer.now() - from
end

-- How long it takes, by each way, is between the two. (Polling needs two connections, and has one of
-- the request's.)
local function takes(host, least, most)
  for _, took in ipairs { connect(host, "websocket"), request(host), connect(host, "polling") } do
    if took < least or took >= most then error(("took %.3f s"):format(took)) end
  end
end

local cases = {}

function cases.six()
  test.it("an IPv6 address is a host, in brackets", function() takes("[::1]", 0, 5) end)
  test.it("localhost is also ::1, where nobody listens on 127.0.0.1", function() takes("localhost", 0, 1) end)
end

function cases.four()
  test.it("localhost is also 127.0.0.1, where nobody listens on ::1", function() takes("localhost", 0, 1) end)
end

function cases.refused()
  test.it("where ::1 refuses, 127.0.0.1 is next at once", function() takes("both.test", 0, 0.15) end)
end

function cases.deaf()
  test.it("where ::1 is silent, 127.0.0.1 is asked after 200 ms", function() takes("both.test", 0.15, 1) end)
  test.it("an address that is silent is a TIMEOUT of the connection", function()
    local _, err = http.get(("http://[::1]:%s/"):format(port), { timeout = 0.3 })
    expect(err.code).is "TIMEOUT"
    expect(err.phase).is "connect"
  end)
end

test.describe("a server's address", cases[case])
