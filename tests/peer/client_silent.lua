-- Who takes a connection and then says nothing: run by silent_test.sh against silent_server.js. What
-- is told has to name the step, whichever protocol was to be spoken there.
local env = require "tidelock.env"
local http = require "tidelock.http"
local socket = require "tidelock.socket"
local timer = require "tidelock.timer"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local url = env.get "WS_URL"
local silent, proxy -- host:port

test.before_each(function()
  silent = silent or "127.0.0.1:" .. http.get(url .. "/silent").body
  proxy = proxy or "127.0.0.1:" .. http.get(url .. "/proxy").body
end)

local count = 0
local function connect(options)
  count = count + 1
  options.reconnect, options.auto_connect, options.multiplex = false, false, false
  options.proxy = options.proxy or ""
  local chat, last = socket.connect("c" .. count, options), {}
  chat:on_state(function(state, info) last.state, last.error = state, info.error end)
  chat:connect()
  wait_for(function() return last.state == "connected" or last.state == "closed" end)
  return chat, last
end

-- The same from a request, a WebSocket and Socket.IO by each order of transports.
local function times_out(to, through, phase, ...)
  local words = { ... }
  local function is_told(err, how)
    expect(err.code, how).is "TIMEOUT"
    expect(err.phase, how).is(phase)
    for _, word in ipairs(words) do
      expect(err.message:find(word, 1, true) ~= nil, how .. ": " .. err.message).is(true)
    end
  end
  local res, err = http.get(to, { proxy = through or "", timeout = 1.2 })
  expect(res).is_nil()
  is_told(err, "a request")
  expect(err.sent).is "no"
  local ways = {
    { protocol = "websocket" }, {}, { transports = { "polling", "websocket" } },
    { transports = { "websocket" } }, { transports = { "polling" } },
  }
  local attempts = {}
  for i, options in ipairs(ways) do
    attempts[i] = function()
      options.url, options.proxy, options.timeout = to, through, 1.2
      local _, last = connect(options)
      expect(last.state).is "closed"
      is_told(last.error, "way " .. i)
    end
  end
  task.all(attempts)
end

test.describe("a time-out names the step and who was silent", function()
  test.it("TLS", function() times_out("https://" .. silent, nil, "tls", "TLS handshake with " .. silent) end)

  test.it("a proxy that is asked for a tunnel", function()
    local words = "127.0.0.1:1 through the proxy http://" .. proxy
    times_out("https://127.0.0.1:1", "http://me:secret@" .. proxy, "connect", words)
  end)

  test.it("TLS with a proxy", function()
    local words = "TLS handshake with the proxy https://" .. silent
    times_out("https://127.0.0.1:1", "https://" .. silent, "tls", words)
    times_out("http://127.0.0.1:1", "https://" .. silent, "tls", words)
  end)

  test.it("TLS within a tunnel", function()
    times_out("https://tunnel:1", "http://" .. proxy, "tls", "TLS handshake with tunnel:1")
  end)

  test.it("SOCKS proxies", function()
    for _, scheme in ipairs { "socks4", "socks5", "socks5h" } do
      local way = scheme .. "://" .. silent
      times_out("http://127.0.0.1:1", way, "connect", "through the proxy " .. way)
    end
  end)
end)

test.describe("a WebSocket handshake that is never answered", function()
  test.it("leaves time for polling", function()
    local chat, last = connect { url = url, timeout = 2 }
    expect(last.state).is "connected"
    expect(chat.transport).is "polling"
    expect(chat:call("echo", "x")).is "x"
  end)

  test.it("is told as that where nothing else may be tried", function()
    local alone = {
      { transports = { "websocket" } }, { try_all_transports = false }, { protocol = "websocket" },
    }
    for _, options in ipairs(alone) do
      options.url, options.timeout = url, 0.4
      local _, last = connect(options)
      expect(last.state).is "closed"
      expect(last.error.code).is "TIMEOUT"
      expect(last.error.phase).is "handshake"
      expect(last.error.message).matches "answer the WebSocket handshake"
    end
  end)

  test.it("nor anything else: the whole time is taken", function()
    local began = timer.now()
    local _, last = connect { url = "http://" .. silent, timeout = 0.5 }
    expect(last.error.code).is "TIMEOUT"
    expect(last.error.phase).is "response" -- of the transport that was tried last
    expect(last.error.message).matches "waiting for the answer of http://"
    expect(timer.now() - began > 0.45).is(true)
  end)
end)
