-- A plain WebSocket against npm's ws (ws_echo.js, which takes orders): run by ws_test.sh.
local env = require "tidelock.env"
local json = require "tidelock.json"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local URL = env.get "WS_URL"
local count, open = 0, {}

test.after_each(function()
  for _, s in ipairs(open) do s:disconnect() end
  open = {}
end)

-- Declares a connection; what it hears is in `seen`. The server knows it by seen.name.
local function declare(more)
  count = count + 1
  local name = "c" .. count
  local options = { url = ("%s/?%s"):format(URL, name), protocol = "websocket", auto_connect = false,
    reconnect = { delay = 0.01, max_delay = 0.01 } }
  for key, value in pairs(more or {}) do options[key] = value end
  local s = socket.connect(name, options)
  local seen = { name = name, messages = {}, states = {} }
  s:on("message", function(data, binary)
    seen.messages[#seen.messages + 1], seen.binary = data, binary
  end)
  s:on("disconnect", function(reason, info) seen.reason, seen.info = reason, info end)
  s:on("connect_error", function(err) seen.error = err end)
  s:on_state(function(state, info) seen.states[#seen.states + 1], seen[state] = state, info end)
  open[#open + 1] = s
  return s, seen
end

local function connected(more)
  local s, seen = declare(more)
  s:connect()
  wait_for(function() return s.connected end)
  return s, seen
end

local function ask(s, seen, order)
  local before = #seen.messages
  assert(s:send(order))
  return wait_for(function() return seen.messages[before + 1] end)
end

-- What the server saw of a connection that ended.
local function end_of(name)
  local s, seen = connected()
  return json.decode(ask(s, seen, "/closed " .. name))
end

test.describe("disconnect", function()
  test.it("tells the server a code and a reason", function()
    local all = { { 4001, "größer 潮" }, { 3000, "" }, { 4999, ("x"):rep(123) }, { 1000, "done" } }
    for _, words in ipairs(all) do
      local s, seen = connected()
      expect(s:disconnect(words[1], words[2])).is(true)
      expect(end_of(seen.name)).equals { code = words[1], reason = words[2] }
      expect(seen.reason).is "io client disconnect"
      expect(seen.info.code).is(words[1])
      expect(seen.info.will_retry).is(false)
      expect(s.state).is "closed"
    end
  end)

  test.it("says 1000 where it is not told what", function()
    local s, seen = connected()
    s:disconnect()
    expect(end_of(seen.name)).equals { code = 1000, reason = "" }
    s, seen = connected()
    s:disconnect(nil, "over")
    expect(end_of(seen.name)).equals { code = 1000, reason = "over" }
  end)

  test.it("raises on what may not be said, and stays connected", function()
    local s = connected()
    for _, code in ipairs { 0, -1, 1001, 1005, 1006, 1011, 1015, 2999, 5000, 1 << 40 } do
      expect(function() s:disconnect(code) end).raises "1000, or 3000 to 4999"
    end
    expect(function() s:disconnect("soon") end).raises "number expected"
    expect(function() s:disconnect(4000.5) end).raises "no integer"
    expect(function() s:disconnect(4000, ("x"):rep(124)) end).raises "123 bytes"
    expect(function() s:disconnect(4000, "\xff") end).raises "UTF-8"
    expect(function() s:disconnect(4000, "a\0b") end).raises "NUL"
    expect(s.connected).is(true)
    local io = socket.connect("io", { url = URL, auto_connect = false })
    expect(function() io:disconnect(4000) end).raises "plain WebSocket"
    expect(function() io:disconnect(nil, "why") end).raises "plain WebSocket"
    expect(io:disconnect()).is(true)
  end)

  test.it("stands behind all that was sent", function()
    local s, seen = connected()
    local big = ("x"):rep(4000000)
    for _ = 1, 4 do assert(s:send(big)) end
    s:disconnect(4002, "last")
    expect(end_of(seen.name)).equals { code = 4002, reason = "last" }
    s, seen.messages = connected(), {}
    s:on("message", function(data) seen.sizes = json.decode(data) end)
    s:send("/sizes " .. seen.name)
    wait_for(function() return seen.sizes end)
    expect(seen.sizes).equals { #big, #big, #big, #big }
  end)
end)

test.describe("a close by the server", function()
  test.it("is told with its code and reason, and connected again", function()
    for _, words in ipairs { { 1000, "" }, { 1001, "going" }, { 1011, "broken" }, { 4001, "größer 潮" },
      { 1012, ("x"):rep(123) } } do
      local s, seen = connected()
      s:send(("/close %d %s"):format(words[1], words[2]))
      wait_for(function() return seen.info end)
      expect(seen.reason).is "transport close"
      expect(seen.info.code).is(words[1])
      expect(seen.info.close_reason).is(words[2] ~= "" and words[2] or nil)
      expect(seen.info.detail:find(words[2], 1, true) ~= nil).is(true)
      expect(seen.info.error.code).is "CLOSED"
      expect(seen.info.will_retry).is(true)
      wait_for(function() return s.connected end)
    end
  end)

  test.it("without a code is 1005, a cut 1006", function()
    local s, seen = connected()
    s:send "/close"
    wait_for(function() return seen.info end)
    expect(seen.info.code).is(1005)
    expect(seen.info.close_reason).is(nil)
    s, seen = connected()
    s:send "/drop"
    wait_for(function() return seen.info end)
    expect(seen.info.code).is(1006)
    expect(seen.info.error.code).is "RESET"
  end)
end)

test.describe("subprotocols", function()
  test.it("are offered, and the chosen one is known while connected", function()
    for _, offered in ipairs { "chat.v2, chat.v1", { "chat.v2", "chat.v1" }, { "chat.v1" } } do
      local s, seen = declare { subprotocols = offered }
      expect(s.subprotocol).is(nil)
      local at_connect
      s:on("connect", function() at_connect = s.subprotocol end)
      s:connect()
      wait_for(function() return at_connect end)
      expect(at_connect).is "chat.v1"
      local headers = json.decode(ask(s, seen, "/headers"))
      local list = type(offered) == "table" and table.concat(offered, ", ") or offered
      expect(headers["sec-websocket-protocol"]).is(list)
      s:send "/drop"
      wait_for(function() return seen.reconnecting end)
      wait_for(function() return s.subprotocol end)
      expect(s.subprotocol).is "chat.v1"
      s:disconnect()
      expect(s.subprotocol).is(nil)
    end
  end)

  test.it("none is chosen, and none was offered: nil", function()
    expect(connected { subprotocols = "other" }.subprotocol).is(nil)
    expect(connected { subprotocols = {} }.subprotocol).is(nil)
    expect(connected().subprotocol).is(nil)
  end)

  test.it("raise where they are no list of names", function()
    for _, wrong in ipairs { 1, { 1 }, "a b", { "a", "b\r\n" }, true } do
      expect(function() declare { subprotocols = wrong } end).raises "subprotocols"
    end
  end)
end)
