-- One request of a step is taken and never answered: run by swallow_test.sh against
-- swallow_server.js. Another way is tried long before `timeout` is over, and no session is given up
-- that a slow server may still answer.
local env = require "tidelock.env"
local http = require "tidelock.http"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect, wait_for = test.expect, test.wait_for

local url = env.get "WS_URL"
local TIMEOUT = 4 -- seconds

local count = 0
-- Returns the connection, the seconds until it is there, and the errors of failed attempts.
local function connect(swallow, options)
  count = count + 1
  local name, errors, begun = "s" .. count, {}, timer.now()
  options.url, options.timeout, options.multiplex = url, options.timeout or TIMEOUT, false
  options.query = { case = name, swallow = swallow, slow = options.slow }
  options.slow = nil
  options.reconnect = options.reconnect == nil and { delay = 0.05, jitter = 0 } or options.reconnect
  local chat = socket.connect(name, options)
  chat:on_state(function(_, info) if info.error then errors[#errors + 1] = info.error end end)
  wait_for(function() return chat.state == "connected" or chat.state == "closed" end, 30)
  return chat, timer.now() - begun, errors
end

local function asked(step) return tonumber(http.get(url .. "/count?case=s" .. count .. "&step=" .. step).body) end

local function works(chat)
  expect(chat.state).is "connected"
  expect(chat:call("echo", "x")).is "x"
end

test.describe("a request that is swallowed", function()
  for _, upgrade in ipairs { false, true } do
    test.it("the GET that opens the session, with upgrade " .. tostring(upgrade), function()
      local options = { transports = { "polling" }, upgrade = upgrade, reconnect = false }
      if upgrade then options.transports = { "polling", "websocket" } end
      local chat, took, errors = connect("open", options)
      works(chat)
      expect(#errors).is(0) -- within the one attempt
      expect(took < TIMEOUT / 2, took).is(true)
      expect(asked "open").is(2)
    end)
  end

  test.it("two of them leave the other transport", function()
    local chat, took = connect("open,open", { transports = { "polling", "websocket" }, reconnect = false })
    works(chat)
    expect(chat.transport).is "websocket"
    expect(took < TIMEOUT, took).is(true)
  end)

  test.it("the first POST", function()
    local chat, took, errors = connect("post", { transports = { "polling" } })
    works(chat)
    expect(#errors).is(1)
    expect(errors[1].code).is "TIMEOUT"
    expect(took < TIMEOUT, took).is(true)
  end)

  test.it("the first GET of the session, while it is upgraded", function()
    local chat, took = connect("get", { transports = { "polling", "websocket" } })
    works(chat)
    expect(took < TIMEOUT, took).is(true)
  end)

  test.it("the handshake of a WebSocket, and what should follow it", function()
    for _, step in ipairs { "ws", "hello" } do
      local chat, took, errors = connect(step, { reconnect = false, upgrade = false })
      works(chat)
      expect(chat.transport).is "polling"
      expect(#errors).is(0)
      expect(took < TIMEOUT, took).is(true)
    end
  end)

  test.it("one of each step", function()
    local chat = connect("open,post,get,ws", { transports = { "polling", "websocket" } })
    works(chat)
    chat = connect("ws,open,post", {})
    works(chat)
  end)
end)

test.describe("a server that is slow, and swallows nothing", function()
  test.it("is waited for, and asked twice at most", function()
    local chat, took, errors = connect(nil, { transports = { "polling" }, reconnect = false, slow = "1500", timeout = 2 })
    works(chat)
    expect(#errors).is(0)
    expect(took < 2, took).is(true) -- the first request was not given up
    expect(asked "open").is(2)
  end)

  test.it("once, where it answers within a quarter of the time", function()
    works((connect(nil, { transports = { "polling" }, slow = "50" })))
    expect(asked "open").is(1)
  end)
end)
