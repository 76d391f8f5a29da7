-- What docs/socket.md's tables promise and client_socket.lua leaves out, against the real servers:
-- run by socket_test.sh, in each way of transport.
local env = require "tidelock.env"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local json = require "tidelock.json"
local expect, wait_for = test.expect, test.wait_for

local URL = env.get "WS_URL"
local NOWHERE = "http://127.0.0.1:9"
local npm, msgpack = env.get "FLAVOUR" == "npm", env.get "PARSER" == "msgpack"
local TRANSPORTS = {}
for name in env.get("TRANSPORTS", "websocket"):gmatch "%a+" do TRANSPORTS[#TRANSPORTS + 1] = name end
local only_websocket = #TRANSPORTS == 1 and TRANSPORTS[1] == "websocket"

local count, open = 0, {}

-- Declares; gives the connection and the infos of its states, in order.
local function declare(more)
  count = count + 1
  local options = { url = URL, auto_connect = false, transports = TRANSPORTS, parser = env.get "PARSER",
    reconnect = { delay = 0.02, max_delay = 0.1 } }
  for key, value in pairs(more or {}) do options[key] = value end
  if options.transports == "default" then options.transports = nil end
  if options.reconnect == "default" then options.reconnect = nil end
  if options.auto_connect == "default" then options.auto_connect = nil end
  local s, states = socket.connect("o" .. count, options), {}
  s:on_state(function(state, info)
    info.state = state
    states[#states + 1] = info
  end)
  open[#open + 1] = s
  return s, states
end

local function connected(more)
  local s, states = declare(more)
  s:connect()
  wait_for(function() return s.connected end)
  return s, states
end

-- The first info of a state, once there is one.
local function told(states, state)
  local found
  wait_for(function()
    for _, info in ipairs(states) do
      if info.state == state then found = info end
      if found then return true end
    end
  end)
  return found
end

local function collect(s, event)
  local seen = {}
  s:on(event, function(...) seen[#seen + 1] = table.pack(...) end)
  return seen
end

test.after_each(function()
  for _, s in ipairs(open) do s:disconnect() end
  open = {}
end)

test.describe("ack_timeout", function()
  test.it("is the default of every call, without retries too; a time of its own goes before", function()
    local s = connected { ack_timeout = 0.2 }
    local from = timer.now()
    local reply, err = s:call "silent"
    local took = timer.now() - from
    expect(reply).is(nil)
    expect(err.code).is "TIMEOUT"
    if took < 0.19 or took > 8 then error(("it took %.2f s"):format(took)) end
    expect(s:timeout(5):call("late", 400)).is "late"
  end)
end)

test.describe("an option:", function()
  test.it("url's path is the namespace, where none is given", function()
    local s = connected { url = URL .. "/admin", auth = { token = "admin" } }
    expect(s:call("whoami").namespace).is "/admin"
    s = connected { url = URL .. "/admin", namespace = "/", auth = { token = "admin" } }
    expect(s:call("whoami").namespace).is "/"
  end)

  test.it("transports: WebSocket first, where none is given", function()
    local s = connected { transports = "default" }
    expect(s.transport).is "websocket"
    if npm then expect(s:call("whoami").query.transport).is "websocket" end
  end)

  test.it("upgrade = false stays on polling, where others are upgraded", function()
    local both = { "polling", "websocket" }
    local stays = connected { transports = both, upgrade = false }
    local goes = connected { transports = both }
    wait_for(function() return goes.transport == "websocket" end)
    expect(stays:call("echo", 1)).is(1)
    expect(stays.transport).is "polling"
    if npm then expect(stays:call("whoami").transport).is "polling" end
  end)

  test.it("timeout is for the whole attempt, until the namespace is joined", function()
    local s, states = declare { auth = { token = "slow" }, timeout = 0.15, reconnect = false }
    s:connect()
    local info = told(states, "closed")
    expect(info.reason).is "connect error"
    expect(info.error.code).is "TIMEOUT"
    s = connected { auth = { token = "slow" }, timeout = 5 }
    expect(s:call("echo", 1)).is(1)
  end)

  test.it("reconnect: the delay doubles to its cap, without jitter to the letter", function()
    local s, states = declare { url = NOWHERE,
      reconnect = { delay = 0.02, max_delay = 0.05, jitter = 0, attempts = 4 } }
    local waits, attempts = {}, {}
    s:on("connect_error", function(_, info)
      waits[#waits + 1], attempts[#attempts + 1] = info.retry_in, info.attempt
    end)
    s:connect()
    told(states, "closed")
    task.sleep(0)
    expect(waits).equals { 0.02, 0.04, 0.05, 0.05 }
    expect(attempts).equals { 1, 2, 3, 4, 5 }
    local names = {}
    for i, info in ipairs(states) do names[i] = info.state end
    expect(names).equals { "connecting", "reconnecting", "closed" }
    expect(states[2].retry_in).is(0.02)
    expect(states[2].attempt).is(1)
    expect(states[3].attempt).is(5)
    expect(states[3].will_retry).is(false)
  end)

  test.it("reconnect: one second, of which half is random, where nothing is given", function()
    local s, states = declare { url = NOWHERE, reconnect = "default" }
    s:connect()
    local info = told(states, "reconnecting")
    expect(info.retry_in > 0.49 and info.retry_in <= 1).is(true)
    expect(info.will_retry).is(true)
  end)

  test.it("reconnect = false: what is lost stays lost", function()
    local s, states = connected { reconnect = false }
    s:emit "drop"
    local info = told(states, "closed")
    expect(info.reason).matches "^transport"
    expect(info.will_retry).is(false)
    expect(info.retry_in).is_nil()
  end)

  test.it("auto_connect: it connects by itself, where not told otherwise", function()
    local s = declare { auto_connect = "default" }
    wait_for(function() return s.connected end)
  end)

  test.it("auth may give nothing; one that raises fails the attempt", function()
    local s = connected { auth = function() end }
    expect(next(s:call("whoami").auth or {})).is_nil()
    local tries = 0
    s = declare { auth = function()
      tries = tries + 1
      if tries == 1 then error "this line is expected in the log" end
    end }
    local errors = collect(s, "connect_error")
    s:connect()
    wait_for(function() return s.connected end)
    expect(tries).is(2)
    expect(#errors).is(1)
    expect(test.uncaught()).matches "this line is expected"
  end)

  test.it("buffer.bytes is the cap of what waits", function()
    local s = declare { buffer = { bytes = 1000 } }
    expect(s:emit("a", ("x"):rep(600))).is(true)
    local ok, err = s:emit("b", ("x"):rep(600))
    expect(ok).is_nil()
    expect(err.code).is "BUFFER_FULL"
    expect(s:emit("c", ("x"):rep(100))).is(true)
  end)

  test.it("buffer: 1,000 packets of 1 MiB together, where nothing is given", function()
    local s = declare {}
    for _ = 1, 1000 do assert(s:emit "a") end
    expect(select(2, s:emit "a").code).is "BUFFER_FULL"
    s:clear()
    expect(s:emit("a", ("x"):rep(1000000))).is(true)
    expect(select(2, s:emit("a", ("x"):rep(50000))).code).is "BUFFER_FULL"
    expect(s:stats().dropped).is(1000)
  end)

  if npm then
    test.it("multiplex: what asks for another way has a connection of its own", function()
      local function engine(s) return s:call("whoami").engine end
      local main = connected()
      local admin = { url = URL, namespace = "/admin", auth = { token = "admin" } }
      for _, more in ipairs { { query = { a = 1 } }, { headers = { A = "b" } }, { deflate = true } } do
        for key, value in pairs(admin) do more[key] = value end
        expect(engine(connected(more)) == engine(main)).is(false)
      end
      expect(engine(connected(admin))).is(engine(main))
    end)
  end

  test.it("max_message is the most that is taken", function()
    local s, states = connected { max_message = 2000, reconnect = false }
    expect(#s:call("echo", ("x"):rep(300))).is(300)
    s:emit("echo", ("x"):rep(3000))
    local info = told(states, "closed")
    expect(info.error.code).is "TOO_LARGE"
    expect(info.will_retry).is(false)
  end)

  if npm then
    test.it("query may be a string", function()
      local s = connected { query = "room=a%20b&n=1" }
      local query = s:call("whoami").query
      expect(query.room).is "a b"
      expect(query.n).is "1"
    end)
  end
end)

test.describe("a method:", function()
  test.it("off removes all handlers of an event, and says how many", function()
    local s = connected()
    local others = collect(s, "tick")
    collect(s, "echo")
    local seen = collect(s, "echo")
    s:once("echo", function() seen[#seen + 1] = "once" end)
    expect(s:off "echo").is(3)
    expect(s:off "echo").is(0)
    s:call("echo", 1)
    s:emit("flood", 1)
    wait_for(function() return #others == 1 end)
    expect(#seen).is(0)
  end)

  test.it("each that registers gives a handle that removes it", function()
    local s, states = connected()
    local log = {}
    local function note(what) return function() log[#log + 1] = what end end
    local handles = {
      s:on("echo", note "on"), s:once("echo", note "once"), s:on_any(note "any"), s:prepend_any(note "first"),
      s:on_any_outgoing(note "out"), s:prepend_any_outgoing(note "first out"),
      s:on_state(note "state"), s:on_drop(note "drop"),
    }
    for _, handle in ipairs(handles) do handle:off() end
    s:call("echo", 1)
    s:disconnect()
    s:emit "never"
    s:clear()
    told(states, "closed")
    task.sleep(0)
    expect(log).equals {}
  end)

  test.it("connect is harmless while connected", function()
    local s, states = connected()
    local id = s.id
    expect(s:connect()).is(true)
    expect(s:call("echo", 1)).is(1)
    expect(s.id).is(id)
    expect(#states).is(2)
  end)

  test.it("disconnect drops what waits, and says so; calls end as CLOSED, not sent", function()
    local s = declare { url = NOWHERE }
    local dropped, reply, err = {}, nil, nil
    s:on_drop(function(event, why) dropped[#dropped + 1] = event .. " " .. why end)
    s:connect()
    s:emit "one"
    local t = task.spawn(function() reply, err = s:call("two", 1) end)
    task.sleep(0)
    s:disconnect()
    t:await()
    wait_for(function() return #dropped == 1 end)
    expect(dropped).equals { "one closed" }
    expect(reply).is_nil()
    expect(err.code).is "CLOSED"
    expect(err.sent).is "no"
  end)

  test.it("disconnect tells calls under way that they may have been seen", function()
    local s = connected()
    local reply, err
    local t = task.spawn(function() reply, err = s:call("silent", 1) end)
    task.sleep(0)
    s:disconnect()
    t:await()
    expect(reply).is_nil()
    expect(err.code).is "CLOSED"
    expect(err.sent).is "unknown"
  end)

  if npm then -- python-engineio does not say how much it takes
    test.it("emit of more than the server takes is TOO_LARGE, before it is sent", function()
      local s, states = connected()
      local ok, err = s:emit("echo", ("x"):rep(4100000))
      expect(ok).is_nil()
      expect(err.code).is "TOO_LARGE"
      ok, err = s:call("echo", ("x"):rep(4100000))
      expect(ok).is_nil()
      expect(err.code).is "TOO_LARGE"
      expect(err.sent).is "no"
      s = connected { retries = 1 }
      ok, err = s:call("echo", ("x"):rep(4100000))
      expect(ok).is_nil()
      expect(err.sent).is "no"
      expect(s:call("echo", 1)).is(1)
      expect(#states).is(2)
    end)

    test.it("what waited and is more than the server takes is dropped, and said to be too large", function()
      local s = declare { buffer = { bytes = 10000000 } }
      local dropped = {}
      s:on_drop(function(event, why) dropped[#dropped + 1] = event .. " " .. why end)
      expect(s:emit("large", ("x"):rep(4100000))).is(true)
      local seen = collect(s, "echo")
      s:emit("echo", "behind it")
      s:connect()
      wait_for(function() return #seen == 1 end)
      expect(dropped).equals { "large too large" }
      expect(s:stats().dropped).is(1)
    end)
  end

  test.it("every argument of a call is payload, whatever is in it", function()
    local s = connected()
    expect(s:call("echo", { timeout = 5 })).equals { timeout = 5 }
    expect(s:timeout(5):call("echo", { timeout = 0.001 })).equals { timeout = 0.001 }
    expect(table.pack(s:call("echo", { a = 1 }, { timeout = 5 }))).equals { { a = 1 }, { timeout = 5 }, n = 2 }
    expect(table.pack(s:call("echo", 1, nil, { timeout = 5 }))).equals { 1, json.null, { timeout = 5 }, n = 3 }
  end)

  test.it("volatile.emit drops what cannot be sent, and tells nobody", function()
    local s = declare()
    local seen, dropped = collect(s, "echo"), {}
    s:on_drop(function(event) dropped[#dropped + 1] = event end)
    expect(s.volatile:emit("echo", 1)).is(true)
    expect(s:stats().buffered).is(0)
    s:connect()
    wait_for(function() return s.connected end)
    expect(s.volatile:emit("echo", 2)).is(true)
    wait_for(function() return #seen == 1 end)
    expect(seen[1][1]).is(2)
    expect(dropped).equals {}
  end)

  test.it("stats counts connections", function()
    local s = connected()
    expect(s:stats().connects).is(1)
    local id = s.id
    s:emit "drop"
    wait_for(function() return s.connected and s.id ~= id end)
    expect(s:stats().connects).is(2)
    expect(s:stats().dropped).is(0)
    expect(s:stats().late_acks).is(0)
  end)
end)

test.describe("a field:", function()
  test.it("name, state, connected, id, transport, recovered", function()
    local s = declare()
    expect(s.name).matches "o%d+$"
    expect(s.state).is "closed"
    expect(s.connected).is(false)
    expect(s.id).is_nil()
    expect(s.transport).is_nil()
    expect(s.recovered).is(false)
    s:connect()
    expect(s.state).is "connecting"
    wait_for(function() return s.connected end)
    expect(s.state).is "connected"
    local me = s:call "whoami"
    expect(me.id).is(s.id)
    wait_for(function() return s.transport == TRANSPORTS[#TRANSPORTS] end)
    expect(s.recovered).is(false)
    s:disconnect()
    wait_for(function() return s.state == "closed" end)
    expect(s.connected).is(false)
    expect(s.transport).is_nil()
  end)
end)

test.describe("an event:", function()
  test.it("connect comes each time, disconnect with why and whether it will be retried", function()
    local s = declare()
    local connects, ends = collect(s, "connect"), collect(s, "disconnect")
    s:connect()
    wait_for(function() return #connects == 1 end)
    s:emit "drop"
    wait_for(function() return #connects == 2 end)
    local reason, info = ends[1][1], ends[1][2]
    expect(reason).matches "^transport"
    expect(info.reason).is(reason)
    expect(info.will_retry).is(true)
    expect(info.retry_in > 0 and info.retry_in <= 0.02).is(true)
    expect(type(info.detail)).is "string"
    expect(type(info.error.code)).is "string"
    s:emit "kick"
    wait_for(function() return #ends == 2 end)
    reason, info = ends[2][1], ends[2][2]
    expect(reason).is "io server disconnect"
    expect(info.will_retry).is(false)
    expect(info.retry_in).is_nil()
    expect(s:connect()).is(true)
    wait_for(function() return #connects == 3 end)
  end)

  test.it("disconnect by the server with the whole connection is not retried either", function()
    local s, states = connected()
    s:emit "kick_all"
    if npm then
      local info = told(states, "closed")
      expect(info.reason).is "io server disconnect"
    else -- python-engineio closes without a word of Socket.IO
      expect(told(states, "reconnecting").reason).matches "^transport"
    end
  end)

  test.it("connect_error tells whether it will be tried again: the network", function()
    local s = declare { url = NOWHERE }
    local errors = collect(s, "connect_error")
    s:connect()
    wait_for(function() return #errors == 2 end)
    local err, info = errors[1][1], errors[1][2]
    expect(err.code).is "CONNECT"
    expect(info.reason).is "connect error"
    expect(info.will_retry).is(true)
    expect(type(info.retry_in)).is "number"
    expect(info.attempt).is(1)
    expect(errors[2][2].attempt).is(2)
  end)

  test.it("connect_error tells whether it will be tried again: a refusal", function()
    local s, states = declare { auth = { token = "bad" } }
    local errors = collect(s, "connect_error")
    s:connect()
    wait_for(function() return #errors == 1 end)
    local info = errors[1][2]
    expect(info.reason).is "rejected"
    expect(info.will_retry).is(false)
    expect(info.data).equals { code = "UNAUTHORIZED", retry = false }
    expect(told(states, "closed").data).equals { code = "UNAUTHORIZED", retry = false }
  end)

  test.it("a name that cannot be found is DNS", function()
    local s, states = declare { url = "http://nowhere.invalid", reconnect = false }
    s:connect()
    expect(told(states, "closed").error.code).is "DNS"
  end)

  if npm and only_websocket then
    test.it("a close has the server's code and reason", function()
      local s, states = connected()
      s:emit("close", 4001, "moved away")
      local info = told(states, "reconnecting")
      expect(info.reason).is "transport close"
      expect(info.code).is(4001)
      expect(info.close_reason).is "moved away"
      expect(info.error.code).is "CLOSED"
      wait_for(function() return s.connected end)
    end)

    if not msgpack then
      test.it("an ack that comes twice is counted and changes nothing", function()
        local s = connected()
        local before = s:call("echo", "first")
        expect(before).is "first"
        s:emit("raw", '430["again"]') -- the first call's id
        s:emit("raw", '4399["of no call"]')
        expect(s:call("echo", "next")).is "next"
        expect(s:stats().late_acks).is(2)
        expect(s.connected).is(true)
      end)

      test.it("reserved names are no events, though a server may send anything", function()
        local s, states = connected()
        local connects = collect(s, "connect")
        s:emit("raw", '42["connect","forged"]')
        expect(s:call("echo", 1)).is(1)
        expect(#connects).is(0)
        expect(#states).is(2)
      end)
    end
  end
end)
