-- A plain WebSocket against npm's ws (ws_echo.js, which takes orders): run by ws_test.sh.
local env = require "tidelock.env"
local json = require "tidelock.json"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
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
    expect(function() s:disconnect(4000.5) end).raises "3000 to 4999, not 4000.5"
    expect(function() s:disconnect(4000, ("x"):rep(124)) end).raises "123 bytes"
    expect(function() s:disconnect(4000, "\xff") end).raises "UTF-8"
    expect(function() s:disconnect(4000, "a\0b") end).raises "a zero byte"
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

-- last_words.lua ran before; what it sent is echoed to nobody.
test.describe("a program whose last act it is", function()
  test.it("ends when the server has got it all", function()
    expect(end_of "last-words").equals { code = 4003, reason = "that was all" }
    local s, seen = connected()
    expect(#json.decode(ask(s, seen, "/sizes last-words"))).is(8)
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

  test.it("is to the letter, and one line in the detail", function()
    local s, seen = connected()
    s:send "/close 4000 one\ntwo\tthree"
    wait_for(function() return seen.info end)
    expect(seen.info.close_reason).is "one\ntwo\tthree"
    expect(seen.info.error.detail).is "one\ntwo\tthree"
    expect(seen.info.detail).is "the server closed the connection (4000): one two three"
  end)

  test.it("is the end where the handler says so", function()
    local s, seen = connected()
    s:on("disconnect", function(_, info) if info.code == 4001 then s:disconnect() end end)
    s:send "/close 4001 no"
    wait_for(function() return seen.closed end)
    expect(seen.closed.reason).is "io client disconnect"
    expect(seen.closed.will_retry).is(false)
    task.sleep(0.05)
    expect(seen.states).equals { "connecting", "connected", "reconnecting", "closed" }
    expect(s:stats().connects).is(1)
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

test.describe("what lasts", function()
  test.it("messages wait for a connection, in order; volatile ones do not", function()
    local s, seen = declare()
    for i = 1, 3 do expect(s:send("early " .. i)).is(true) end
    expect(s.volatile:send "volatile").is(true)
    s:connect()
    wait_for(function() return #seen.messages == 3 end)
    s:send "/drop"
    wait_for(function() return seen.reconnecting end)
    s:send "late"
    s:send "/headers"
    wait_for(function() return #seen.messages == 5 end)
    expect({ table.unpack(seen.messages, 1, 4) }).equals { "early 1", "early 2", "early 3", "late" }
    expect(seen.states).equals { "connecting", "connected", "reconnecting", "connected" }
  end)

  test.it("the buffer has a cap and an age, and tells what it drops", function()
    local s = declare { buffer = { count = 2, age = 0.05 } }
    local dropped = {}
    s:on_drop(function(event, why) dropped[#dropped + 1] = event .. " " .. why end)
    s:send "one"
    s:send "two"
    local sent, err = s:send "three"
    expect(sent).is(nil)
    expect(err.code).is "BUFFER_FULL"
    wait_for(function() return #dropped == 2 end)
    s:send "four"
    expect(s:clear()).is(1)
    wait_for(function() return #dropped == 3 end)
    expect(dropped).equals { "message expired", "message expired", "message cleared" }
    expect(s:stats().dropped).is(3)
  end)

  test.it("a server that takes nothing is BACKPRESSURE", function()
    local s = connected { buffer = { unsent = 1000000 } }
    s:send "/deaf"
    local big, sent, err = ("x"):rep(500000), true, nil
    for _ = 1, 100 do
      sent, err = s:send(big)
      if not sent then break end
      task.sleep(0)
    end
    expect(sent).is(nil)
    expect(err.code).is "BACKPRESSURE"
    expect(s:stats().buffered <= 1000000).is(true)
  end)

  test.it("a message beyond max_message ends that connection alone", function()
    local s, seen = connected { max_message = 1000 }
    expect(#ask(s, seen, ("x"):rep(1000))).is(1000)
    s:send(("x"):rep(1001))
    wait_for(function() return seen.info end)
    expect(seen.reason).is "parse error"
    expect(seen.info.error.code).is "TOO_LARGE"
    expect(end_of(seen.name).code).is(1009)
    wait_for(function() return s.connected end)
  end)

  test.it("attempts end, with the layer that failed", function()
    local s, seen = declare { url = "ws://127.0.0.1:9", reconnect = { delay = 0.01, attempts = 2 } }
    s:connect()
    wait_for(function() return seen.closed end)
    expect(seen.closed.error.code).is "CONNECT"
    expect(seen.closed.attempt).is(3)
    expect(s:send "late").is(nil)
    s, seen = declare { url = URL:gsub("^http", "ws") .. "/?x", reconnect = false }
    s:connect()
    wait_for(function() return s.connected end)
    s:send "/drop"
    wait_for(function() return seen.closed end)
    expect(seen.closed.will_retry).is(false)
  end)

  test.it("on_any hears messages, too", function()
    local s, seen = connected()
    local any
    s:on_any(function(event, data, binary) any = { event, data, binary } end)
    ask(s, seen, "hello")
    wait_for(function() return any end)
    expect(any).equals { "message", "hello", false }
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

test.describe("the heartbeat", function()
  local quick = { interval = 0.05, timeout = 0.3 }

  test.it("pings, and keeps a connection that answers", function()
    local s, seen = connected { heartbeat = quick }
    local pings
    wait_for(function()
      pings = json.decode(ask(s, seen, "/pings"))
      return #pings >= 3
    end)
    expect(pings).equals { "", "", "" }
    expect(s:stats().connects).is(1)
  end)

  test.it("loses a server that reads nothing, and connects again", function()
    local s, seen = connected { heartbeat = quick }
    s:send "/deaf"
    wait_for(function() return seen.info end)
    expect(seen.reason).is "ping timeout"
    expect(seen.info.code).is(nil)
    expect(seen.info.error.code).is "TIMEOUT"
    expect(seen.info.error.phase).is "heartbeat"
    expect(seen.info.detail).matches "^a ping was not answered for 0%.[3-9]"
    expect(seen.info.will_retry).is(true)
    wait_for(function() return s.connected end)
    expect(ask(s, seen, "hello")).is "hello"
  end)

  test.it("loses one that does not answer, keeps one that talks", function()
    local s = connected { heartbeat = quick }
    s:send "/mute"
    s:send "/tick 20"
    task.sleep(0.8)
    expect(s:stats().connects).is(1)
    s:disconnect()
    local mute, seen = connected { heartbeat = quick }
    mute:send "/mute"
    wait_for(function() return seen.reason end)
    expect(seen.reason).is "ping timeout"
  end)

  -- They come at once: a ping goes out between two, and its pong lies there unread behind the next.
  test.it("forgives handlers that took long what came meanwhile", function()
    local s, seen = connected { heartbeat = quick }
    local worked = 0
    s:on("message", function()
      local busy = timer.now() + 0.4
      while timer.now() < busy do end -- luacheck: ignore
      worked = worked + 1
    end)
    s:send "/flood 2 work"
    wait_for(function() return worked == 2 end)
    task.sleep(0.4)
    expect(seen.reason).is(nil)
    expect(s:stats().connects).is(1)
  end)

  test.it("is none with false", function()
    local s, seen = connected { heartbeat = false }
    task.sleep(0.1)
    expect(ask(s, seen, "/pings")).is "[]"
  end)

  test.it("raises on what it cannot be", function()
    for what, wrong in pairs {
      ["more than 0 and at most 86400, not 0"] = { interval = 0 },
      ["interval must be more than 0 and at most 86400, not -1"] = { interval = -1 },
      ["timeout must be a number"] = { timeout = "1" }, ["unknown option"] = { every = 1 },
      ["table or false"] = 25,
    } do
      expect(function() declare { heartbeat = wrong } end).raises(what)
    end
    for _, given in ipairs { false, {} } do
      expect(function() declare { protocol = "socket.io", heartbeat = given } end).raises "the server sets it"
    end
  end)
end)

test.describe("ping", function()
  test.it("gives the seconds until the pong", function()
    local s = connected()
    local took = assert(s:ping())
    expect(math.type(took)).is "float"
    expect(took > 0 and took < 10).is(true)
  end)

  test.it("several at once get their own, each with a payload of its own", function()
    local s, seen = connected()
    local tasks = {}
    for i = 1, 20 do tasks[i] = task.spawn(function() return s:ping(5) end) end
    for i = 1, 20 do expect(math.type(tasks[i]:await())).is "float" end
    local payloads = json.decode(ask(s, seen, "/pings"))
    expect(#payloads).is(20)
    for i = 1, 20 do expect(payloads[i]).is(tostring(i - 1)) end
  end)

  test.it("ends in TIMEOUT, NOT_CONNECTED or CLOSED without one", function()
    local s, seen = declare()
    local took, err = s:ping()
    expect(took).is(nil)
    expect(err.code).is "NOT_CONNECTED"
    s:connect()
    wait_for(function() return s.connected end)
    s:send "/mute"
    took, err = s:ping(0.05)
    expect(took).is(nil)
    expect(err.code).is "TIMEOUT"
    expect(err.phase).is "pong"
    expect(err.sent).is(nil)
    s:send "/drop"
    took, err = s:ping()
    expect(took).is(nil)
    expect(err.code).is "CLOSED"
    wait_for(function() return s.connected and seen.reconnecting end)
    s:send "/mute"
    local waiting = task.spawn(function() return s:ping() end)
    task.sleep(0)
    s:disconnect()
    took, err = waiting:await()
    expect(took).is(nil)
    expect(err.code).is "CLOSED"
  end)

  test.it("that is cancelled is forgotten", function()
    local s, seen = connected()
    s:send "/mute"
    ask(s, seen, "now")
    local ended
    local gone = task.spawn(function() s:ping() ended = true end)
    task.sleep(0.02)
    gone:cancel()
    expect(s:ping(0.05)).is(nil)
    expect(ended).is(nil)
    expect(s.connected).is(true)
  end)

  test.it("raises where there is none", function()
    local s = connected()
    expect(function() s:ping(0) end).raises "positive"
    expect(function() s:ping "soon" end).raises "number expected"
    local io = socket.connect("io_ping", { url = URL, auto_connect = false })
    expect(function() io:ping() end).raises "plain WebSocket"
  end)
end)

test.describe("messages", function()
  test.it("come whole from fragments, with pings between them, which are answered", function()
    local s, seen = connected()
    expect(ask(s, seen, "/fragments grö ß er 潮")).is "größer潮"
    wait_for(function() return #seen.messages >= 5 end)
    for i = 1, 4 do expect(seen.messages[i + 1]).is("pong between " .. i - 1) end
    expect(ask(s, seen, "/ping text")).is "pong text"
  end)

  test.it("go out as one frame each, however large", function()
    local s, seen = connected()
    local big = ("x"):rep(5000000)
    expect(#ask(s, seen, big)).is(#big)
    expect(ask(s, seen, "/frames")).is "[5000000,7]"
  end)

  test.it("are text, binary or JSON", function()
    local s, seen = connected()
    expect(ask(s, seen, "größer")).is "größer"
    expect(seen.binary).is(false)
    assert(s:send("\xff\0", { binary = true }))
    wait_for(function() return seen.binary end)
    expect(seen.messages[2]).is "\xff\0"
    expect(select(2, s:send "\xff").code).is "DECODE"
    s, seen = connected { frames = "binary" }
    expect(ask(s, seen, "bytes")).is "bytes"
    expect(seen.binary).is(true)
    s, seen = connected { frames = "json" }
    expect(ask(s, seen, { a = { 1, json.null } })).equals { a = { 1, json.null } }
    expect(ask(s, seen, 5)).is(5)
  end)

  test.it("that are no JSON cost that message alone", function()
    local s, seen = connected { frames = "json" }
    s:send "/ping x" -- a JSON string: the server echoes it
    s:send({ 1 }, { binary = true })
    wait_for(function() return #seen.messages == 2 end)
    expect(seen.messages[1]).is "/ping x"
    expect(seen.messages[2]).is "[1]"
    expect(seen.binary).is(true)
  end)
end)
