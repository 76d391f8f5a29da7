-- tidelock.socket against a real server: run by socket_test.sh for npm socket.io and for
-- python-socketio, which answer the same events (see socketio_server.js).
local test = require "tidelock.test"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local env = require "tidelock.env"
local json = require "tidelock.json"
local timer = require "tidelock.timer"
local expect, wait_for = test.expect, test.wait_for

local URL = env.get("WS_URL")
local npm = env.get("FLAVOUR") == "npm"
-- "websocket", "polling", or "polling websocket": that begins with polling and is upgraded.
local TRANSPORTS = {}
for name in env.get("TRANSPORTS", "websocket"):gmatch "%a+" do TRANSPORTS[#TRANSPORTS + 1] = name end

local function options(more)
  local all = { url = URL, auto_connect = false, reconnect = { delay = 0.02, max_delay = 0.1 },
    transports = TRANSPORTS, parser = env.get "PARSER" }
  for key, value in pairs(more or {}) do all[key] = value end
  return all
end

local count = 0
-- A fresh connection for each test; closed after it.
local open = {}
local function connect(more)
  count = count + 1
  local s = socket.connect("s" .. count, options(more))
  open[#open + 1] = s
  return s
end

local function connected(more)
  local s = connect(more)
  s:connect()
  wait_for(function() return s.state == "connected" end)
  return s
end

test.after_each(function()
  for _, s in ipairs(open) do s:disconnect() end
  open = {}
end)

local function collect(s, event)
  local seen = {}
  s:on(event, function(...) seen[#seen + 1] = table.pack(...) end)
  return seen
end

test.describe("connecting", function()
  test.it("tells its states in order, and has an id", function()
    local s = connect()
    local states = {}
    s:on_state(function(state) states[#states + 1] = state end)
    expect(s.state).is("closed")
    s:connect()
    wait_for(function() return s.state == "connected" end)
    expect(type(s.id)).is("string")
    s:disconnect()
    wait_for(function() return s.state == "closed" end)
    task.sleep(0)
    expect(states).equals { "connecting", "connected", "closed" }
    expect(s.id).is_nil()
  end)

  test.it("hands connect, disconnect with its reason, and connect again", function()
    local s = connect()
    local log = {}
    s:on("connect", function() log[#log + 1] = "connect" end)
    s:on("disconnect", function(reason, info)
      log[#log + 1] = reason
      expect(info.will_retry).is(false)
    end)
    for _ = 1, 2 do
      s:connect()
      wait_for(function() return s.state == "connected" end)
      s:disconnect()
      task.sleep(0)
    end
    wait_for(function() return #log == 4 end)
    expect(log).equals { "connect", "io client disconnect", "connect", "io client disconnect" }
  end)

  test.it("asks auth at every connect; it may wait", function()
    local asked = 0
    local s = connected { auth = function()
      asked = asked + 1
      task.sleep(0.01)
      return { token = "t" .. asked }
    end }
    expect(s:call("whoami").auth.token).is("t1")
    local first = s.id
    s:emit("drop")
    wait_for(function() return s.state == "connected" and s.id ~= first end)
    expect(s:call("whoami").auth.token).is("t2")
  end)

  test.it("auth may be a table, and a query and headers reach the server", function()
    local s = connected {
      auth = { token = "fixed" },
      query = { room = "a b&c", n = 1 },
      headers = { ["X-Test"] = "yes" },
    }
    local me = s:call("whoami")
    expect(me.auth.token).is("fixed")
    if npm then
      expect(me.query.room).is("a b&c")
      expect(me.headers["x-test"]).is("yes")
    end
  end)

  test.it("an auth that fails is told as connect_error, and tried again", function()
    local tries = 0
    local s = connect { auth = function()
      tries = tries + 1
      if tries == 1 then return nil, "no token yet" end
      return { token = "now" }
    end }
    local errors = collect(s, "connect_error")
    s:connect()
    wait_for(function() return s.state == "connected" end)
    expect(#errors).is(1)
    expect(tostring(errors[1][1])).contains("no token yet")
  end)

  test.it("a refusal by the server tells its message and data, and is not retried", function()
    local s = connect { auth = { token = "bad" } }
    local errors, states = collect(s, "connect_error"), {}
    s:on_state(function(state, info) states[#states + 1] = { state, info.will_retry } end)
    s:connect()
    wait_for(function() return #states == 2 end)
    expect(states).equals { { "connecting", false }, { "closed", false } }
    expect(errors[1][1].code).is("REJECTED")
    expect(tostring(errors[1][1])).contains("bad token")
    if npm then expect(errors[1][1].data).equals { code = "UNAUTHORIZED", retry = false } end
  end)

  if npm then
    local function admin(more)
      local all = { namespace = "/admin", auth = { token = "admin" } }
      for key, value in pairs(more or {}) do all[key] = value end
      return connected(all)
    end
    local function engine(s) return s:call("whoami").engine end

    test.it("shares one connection between namespaces", function()
      local main, other = connected(), admin()
      expect(engine(main)).is(engine(other))
      local own = admin { multiplex = false }
      expect(engine(own) == engine(other)).is(false)
      local second = connected() -- the same namespace again
      expect(engine(second) == engine(main)).is(false)
    end)

    test.it("leaves the others be when one namespace ends or is refused", function()
      local main, other = connected(), admin()
      local id = main.id
      other:disconnect()
      local refused = connect { namespace = "/admin", auth = { token = "nobody" } }
      refused:connect()
      wait_for(function() return refused.state == "closed" end)
      expect(main:call("echo", "still")).is "still"
      expect(main.id).is(id)
      other:connect()
      wait_for(function() return other.connected end)
      expect(engine(other)).is(engine(main))
      main:disconnect()
      expect(other:call("echo", "here")).is "here"
    end)

    test.it("all namespaces lose a broken connection, and come back on one", function()
      local main, other = connected(), admin()
      local lost = engine(main)
      local states = collect(other, "disconnect")
      main:emit "drop"
      wait_for(function() return #states == 1 end)
      wait_for(function() return main.connected and other.connected end)
      expect(engine(main) == lost).is(false)
      expect(engine(other)).is(engine(main))
    end)
  end

  test.it("joins a namespace", function()
    local s = connected { namespace = "/admin", auth = { token = "admin" } }
    expect(s:call("whoami").namespace).is("/admin")
  end)

  test.it("reconnects after a broken transport, and says when it will", function()
    local s = connected()
    local lost
    s:on_state(function(state, info)
      if state == "reconnecting" and not lost then lost = info end
    end)
    local first = s.id
    s:emit("drop")
    wait_for(function() return s.state == "connected" and s.id ~= first end)
    expect(lost.will_retry).is(true)
    expect(lost.retry_in <= 0.1).is(true)
    expect(lost.reason).matches("^transport")
  end)

  test.it("is not retried after the server's disconnect", function()
    local s = connected()
    local reasons = collect(s, "disconnect")
    s:emit("kick")
    wait_for(function() return s.state == "closed" end)
    wait_for(function() return reasons[1] end)
    expect(reasons[1][1]).is("io server disconnect")
  end)

  test.it("gives up after the attempts it was given", function()
    local s = connect {
      url = "http://127.0.0.1:9",
      reconnect = { delay = 0.01, max_delay = 0.01, attempts = 2 },
    }
    local errors = collect(s, "connect_error")
    s:connect()
    wait_for(function() return s.state == "closed" end)
    task.sleep(0)
    expect(#errors).is(3)
    expect(errors[1][1].code).is("CONNECT")
  end)
end)

test.describe("events", function()
  test.it("carry every kind of value, both ways", function()
    local s = connected()
    local seen = collect(s, "echo")
    local sent = {
      text = "h\u{e9}llo \u{1F319}", nul = "a\0b", int = 9007199254740991, float = 0.1, yes = true,
      list = { 1, { 2, {} } }, empty_list = json.array {}, empty_object = json.object {}, null = nil,
    }
    s:emit("echo", sent, json.null, "last")
    wait_for(function() return seen[1] end)
    expect(seen[1][1]).equals(sent)
    expect(seen[1][2]).is(json.null)
    expect(seen[1][3]).is("last")
    expect(json.encode(seen[1][1].empty_list)).is("[]")
    expect(json.encode(seen[1][1].empty_object)).is("{}")
  end)

  test.it("come in order, each once, thousands of them", function()
    local s = connected()
    local next_one, done = 1, false
    s:on("tick", function(i)
      assert(i == next_one, "out of order")
      next_one = next_one + 1
    end)
    s:on("flooded", function() done = true end)
    s:emit("flood", 20000)
    wait_for(function() return done end, 20)
    expect(next_one).is(20001)
  end)

  test.it("each handler has its own copy", function()
    local s = connected()
    local second
    s:on("echo", function(t) t.changed = true end)
    s:on("echo", function(t) second = t end)
    s:emit("echo", { a = 1 })
    wait_for(function() return second end)
    expect(second).equals { a = 1 }
  end)

  test.it("once runs once; off removes; a handle's off too; on_any hears all", function()
    local s = connected()
    local log = {}
    local function note(name) return function() log[#log + 1] = name end end
    local off_fn = note("off")
    s:once("echo", note("once"))
    s:on("echo", off_fn)
    local handle = s:on("echo", note("handle"))
    s:on("echo", note("stays"))
    s:on_any(function(event) if event == "echo" then log[#log + 1] = "any" end end)
    expect(s:call("echo", 1)).is(1)
    wait_for(function() return #log == 5 end)
    expect(log).equals { "any", "once", "off", "handle", "stays" }
    expect(s:off("echo", off_fn)).is(1)
    handle:off()
    handle:off()
    log = {}
    s:call("echo", 1)
    wait_for(function() return #log >= 2 end)
    expect(log).equals { "any", "stays" }
  end)

  test.it("a serial handler begins the next event when it has ended the last", function()
    local s = connected()
    local log, running = {}, 0
    s:on("tick", function(i)
      running = running + 1
      assert(running == 1, "two at once")
      task.sleep(0.002)
      running = running - 1
      log[#log + 1] = i
    end, { serial = true })
    s:emit("flood", 5)
    wait_for(function() return #log == 5 end)
    expect(log).equals { 1, 2, 3, 4, 5 }
  end)

  test.it("a failing handler stops nothing", function()
    local s = connected()
    local reached
    s:on("echo", function() error("on purpose: this line is expected in the log") end)
    s:on("echo", function() reached = true end)
    s:emit("echo")
    wait_for(function() return reached end)
    expect(s.state).is("connected")
    expect(test.uncaught()).matches "on purpose"
  end)

  test.it("prepend_any comes before the others; off_any removes one or all", function()
    local s = connected()
    local log = {}
    local function third(event) if event == "echo" then log[#log + 1] = "third" end end
    s:on_any(function(event) if event == "echo" then log[#log + 1] = "second" end end)
    s:prepend_any(function(event) if event == "echo" then log[#log + 1] = "first" end end)
    s:on_any(third)
    s:call("echo", 1)
    wait_for(function() return #log == 3 end)
    expect(log).equals { "first", "second", "third" }
    expect(s:off_any(third)).is(1)
    expect(s:off_any()).is(2)
    expect(s:off_any()).is(0)
  end)

  test.it("prepend_any_outgoing and off_any_outgoing do so for what is sent", function()
    local s = connected()
    local log = {}
    local function second() log[#log + 1] = "second" end
    s:on_any_outgoing(second)
    s:prepend_any_outgoing(function(event) log[#log + 1] = event end)
    s:emit("echo", 1)
    wait_for(function() return #log == 2 end)
    expect(log).equals { "echo", "second" }
    expect(s:off_any_outgoing(second)).is(1)
    expect(s:off_any_outgoing()).is(1)
  end)

  test.it("on_any_outgoing hears what is sent", function()
    local s = connected()
    local seen
    s:on_any_outgoing(function(event, value) seen = { event, value } end)
    s:emit("echo", 7)
    wait_for(function() return seen end)
    expect(seen).equals { "echo", 7 }
  end)

  test.it("what cannot be sent raises, and says where it is", function()
    local s = connected()
    expect(function() s:emit("echo", { a = { b = print } }) end).raises("a.b")
    expect(function() s:emit("disconnect") end).raises("reserved")
    expect(function() s:emit("echo", "\xff") end).raises("argument 1")
  end)
end)

test.describe("binary data", function()
  local bin = socket.binary
  local all = {}
  for i = 0, 255 do all[#all + 1] = string.char(i) end
  local bytes = table.concat(all)

  test.it("goes both ways, in events and acks, nested anywhere", function()
    local s = connected()
    local seen = collect(s, "echo")
    expect(s:call("echo", bin(bytes))).is(bytes)
    wait_for(function() return #seen == 1 end)
    expect(seen[1][1]).is(bytes)
    local reply = s:call("echo", { a = { bin "one", { b = bin "" } }, n = 1, t = "text" })
    expect(reply).equals { a = { "one", { b = "" } }, n = 1, t = "text" }
    local first, second = s:call("echo", bin "x", bin "y")
    expect(first).is "x"
    expect(second).is "y"
    local big = bytes:rep(npm and 4096 or 30) -- python-engineio cuts off what comes in several reads
    local whole, err = s:call("echo", bin(big))
    expect(err).is_nil()
    expect(whole == big).is(true)
  end)

  test.it("keeps its place among texts, and waits with them", function()
    local s = connect()
    local seen = collect(s, "echo")
    for i = 1, 20 do s:emit("echo", i % 2 == 0 and bin(tostring(i)) or tostring(i)) end
    s:connect()
    wait_for(function() return #seen == 20 end)
    for i = 1, 20 do expect(seen[i][1]).is(tostring(i)) end
  end)

  test.it("answers the server, and is heard by those who listen to all", function()
    local s = connected()
    local any, out
    s:on_any(function(event, value) if event == "echo" then any = value end end)
    s:on_any_outgoing(function(_, value) out = value end)
    s:on("question", function(q, ack) ack(bin(q .. "!")) end)
    local asked = collect(s, "asked")
    s:emit("ask", bin "why")
    wait_for(function() return #asked == 1 end)
    expect(asked[1][1].reply[1]).is "why!"
    s:call("echo", bin "heard")
    wait_for(function() return any and out end)
    expect(any).is "heard"
    expect(out).is(bin "heard")
  end)

  test.it("is shown as binary to those who hear what is sent, who can send it on", function()
    local s = connected()
    local out
    s:on_any_outgoing(function(event, ...) if event == "echo" then out = out or { ... } end end)
    s:call("echo", 1, { a = bin "\0\255" }, bin "", "text")
    wait_for(function() return out end)
    expect(out[1]).is(1)
    expect(out[2].a).is(bin "\0\255")
    expect(tostring(out[3])).is ""
    expect(out[4]).is "text"
    local _, back = s:call("echo", table.unpack(out))
    expect(back.a).is "\0\255"
  end)

  test.it("has limits: ten attachments, and no look-alikes", function()
    local s = connected()
    local many = {}
    for i = 1, 11 do many[i] = bin "x" end
    expect(function() s:emit("echo", many) end).raises "10"
    many[11] = nil
    expect(#s:call("echo", many)).is(10)
    expect(function() s:emit("echo", bin "x", { _placeholder = true, num = 0 }) end).raises "placeholder"
    expect(s:call("echo", { _placeholder = true, num = 0 })).equals { _placeholder = true, num = 0 }
  end)

  test.it("is tried again with retries", function()
    local s = connected { retries = 2, ack_timeout = 1 }
    s:emit("echo", bin "a")
    expect(s:call("echo", bin "b")).is "b"
  end)

  test.it("waits for a connection like the rest, whole and in order", function()
    local s = connect()
    local seen = collect(s, "echo")
    s:emit("echo", bin "one", { bin "two" })
    s.volatile:emit("echo", bin "never")
    local reply
    local t = task.spawn(function() reply = s:call("echo", bin "call") end)
    local gone = task.spawn(function() s:call("echo", bin "cancelled") end)
    task.sleep(0)
    gone:cancel()
    s:emit("echo", "text")
    s:connect()
    wait_for(function() return #seen == 3 end)
    t:await()
    expect(reply).is "call"
    expect(seen).equals { { "one", { "two" }, n = 2 }, { "call", n = 1 }, { "text", n = 1 } }
  end)

  test.it("each handler has its own copy; on_any and on_any_outgoing have it too", function()
    local s = connected()
    local log = {}
    s:on_any_outgoing(function(event, t) log[#log + 1] = event .. " out " .. t.b end)
    s:on_any(function(event, t)
      if event ~= "echo" then return end
      log[#log + 1] = "any " .. t.b
      t.b = nil
    end)
    s:on("echo", function(t) log[#log + 1] = "on " .. t.b end)
    s:emit("echo", { b = bin "x" })
    wait_for(function() return #log == 3 end)
    expect(log).equals { "echo out x", "any x", "on x" }
  end)
end)

test.describe("handlers that wait", function()
  test.it("are bounded: events wait in order, acks and states do not", function()
    local s = connected { max_tasks = 3 }
    local begun, ended, go = {}, 0, false
    s:on("tick", function(i)
      begun[#begun + 1] = i
      assert(s:call("echo", i)) -- its ack must come through
      while not go do task.sleep(0.005) end
      ended = ended + 1
    end)
    s:emit("flood", 10)
    wait_for(function() return #begun == 3 end)
    expect(s:call("echo", "still")).is "still"
    task.sleep(0.03)
    expect(#begun).is(3)
    go = true
    wait_for(function() return ended == 10 end)
    expect(begun).equals { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }
  end)

  test.it("are bounded when they are serial, and beyond the connection", function()
    local s = connected { max_tasks = 2 }
    local begun, go = {}, false
    s:on("tick", function(i)
      begun[#begun + 1] = i
      while not go do task.sleep(0.005) end
    end, { serial = true })
    local states = {}
    s:on_state(function(state) states[#states + 1] = state end)
    s:emit("flood", 5)
    wait_for(function() return #begun == 1 end)
    s:call("time")
    s:emit "drop"
    wait_for(function() return states[#states] == "connected" end)
    expect(begun).equals { 1 }
    go = true
    wait_for(function() return #begun == 5 end)
    expect(begun).equals { 1, 2, 3, 4, 5 }
  end)
end)

test.describe("what waits", function()
  test.it("is dropped by clear, and told; calls end with ABORTED", function()
    local s = connect()
    local dropped, reply, err = {}, nil, nil
    s:on_drop(function(event, why) dropped[#dropped + 1] = event .. " " .. why end)
    s:emit("one", 1)
    s:emit("two", 2)
    local t = task.spawn(function() reply, err = s:timeout(5):call("three") end)
    task.sleep(0)
    expect(s:clear()).is(3)
    t:await()
    expect(reply).is_nil()
    expect(err.code).is "ABORTED"
    expect(err.sent).is "no"
    wait_for(function() return #dropped == 2 end)
    expect(dropped).equals { "one cleared", "two cleared" }
    expect(s:stats().dropped).is(2)
    expect(s:clear()).is(0)
  end)

  test.it("is told when it is too old", function()
    local s = connect { url = "http://127.0.0.1:1", buffer = { age = 0.05 } }
    local told
    s:on_drop(function(event, why) told = event .. " " .. why end)
    s:emit "late"
    wait_for(function() return told end)
    expect(told).is "late expired"
  end)

  test.it("while connected is BACKPRESSURE once too much is on its way", function()
    local s = connected { buffer = { unsent = 100000 } }
    local text, err = ("x"):rep(10000), nil
    for _ = 1, 100 do
      local ok
      ok, err = s:emit("echo", text)
      if not ok then break end
    end
    expect(err.code).is "BACKPRESSURE"
    expect(err.recoverable).is(true)
    wait_for(function() return s:stats().buffered == 0 end)
    expect(s:emit("echo", text)).is(true)
    expect(s:call("echo", 1)).is(1)
  end)
end)

test.describe("retries", function()
  test.it("send one at a time, in order, until it is acknowledged", function()
    local s = connected { retries = 5, ack_timeout = 0.1 }
    local seen = collect(s, "counted")
    for i = 1, 5 do s:emit("count", "a" .. s.id, i) end -- acknowledged the second time
    expect(s:call("count", "a" .. s.id, 6)).is(6)
    wait_for(function() return #seen >= 12 end)
    local order = {}
    for i, event in ipairs(seen) do order[i] = event[1] end
    expect(order).equals { 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6 }
  end)

  test.it("outlast a lost connection, and end when they are used up", function()
    local s = connected { retries = 2, ack_timeout = 0.05 }
    local dropped = {}
    s:on_drop(function(event) dropped[#dropped + 1] = event end)
    local reply, err
    local t = task.spawn(function() reply, err = s:call("silent") end)
    s:emit("silent")
    t:await()
    expect(reply).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(err.sent).is "unknown"
    wait_for(function() return dropped[1] end)
    expect(dropped).equals { "silent" }
    expect(s:call("echo", "next")).is "next"
    s:disconnect()
    wait_for(function() return s.state == "closed" end)
  end)

  test.it("go on after the transport broke", function()
    local s = connected { retries = 3, ack_timeout = 2 }
    s.volatile:emit "drop"
    expect(s:call("echo", "later")).is "later"
  end)

  test.it("a call may be given up, and the next goes on", function()
    local s = connected { retries = 3, ack_timeout = 5 }
    local t = task.spawn(function() s:call("silent") end)
    task.sleep(0.02)
    t:cancel()
    expect(s:timeout(2):call("echo", "next")).is "next"
    local reply, err = s:timeout(0.05):call("silent", 1)
    expect(reply).is_nil()
    expect(err.code).is "TIMEOUT"
  end)
end)

test.describe("acks", function()
  test.it("call gives what the server answers", function()
    local s = connected()
    expect(table.pack(s:call("echo", 1, "two", json.null))).equals { 1, "two", json.null, n = 3 }
    expect(type(s:call("time"))).is("number")
  end)

  test.it("an ack without arguments is true", function()
    expect(connected():call("echo")).is(true)
  end)

  test.it("a call that is not answered ends in TIMEOUT", function()
    local s = connected()
    local from = timer.now()
    local reply, err = s:timeout(0.05):call("silent", 1)
    expect(reply).is_nil()
    expect(err.code).is("TIMEOUT")
    expect(timer.now() - from >= 0.05).is(true)
  end)

  test.it("that come late are counted", function()
    local s = connected()
    local reply, err = s:timeout(0.03):call("late", 100)
    expect(reply).is_nil()
    expect(err.code).is "TIMEOUT"
    wait_for(function() return s:stats().late_acks == 1 end)
  end)

  test.it("calls in flight when the connection breaks end at once, as unknown", function()
    local s = connected()
    local reply, err
    local t = task.spawn(function() reply, err = s:timeout(5):call("silent", 1) end)
    task.sleep(0)
    s:emit("drop")
    t:await()
    expect(reply).is_nil()
    expect(err.code).is("CLOSED")
    expect(err.sent).is("unknown")
  end)

  test.it("the server's question is answered, once", function()
    local s = connected()
    local again
    s:on("question", function(a, b, ack)
      ack(a + b, { ok = true })
      local ok, err = pcall(ack, 1)
      again = not ok and err
    end)
    local asked = collect(s, "asked")
    s:emit("ask", 2, 3)
    wait_for(function() return asked[1] end)
    expect(json.encode(asked[1][1].reply)).is('[5,{"ok":true}]')
    expect(tostring(again)).contains("already")
  end)

  test.it("a cancelled call is gone", function()
    local s = connected()
    local value, err = task.with_timeout(0.02, function() return s:call("silent", 1) end)
    expect(value).is_nil()
    expect(err.code).is("TIMEOUT")
  end)
end)

test.describe("while not connected", function()
  test.it("emits and calls wait, in order; volatile ones are dropped", function()
    local s = connect()
    local seen = collect(s, "echo")
    s:connect()
    for i = 1, 3 do s:emit("echo", i) end
    s.volatile:emit("echo", "volatile")
    expect(s:call("echo", 4)).is(4)
    wait_for(function() return #seen == 4 end)
    local values = {}
    for i, args in ipairs(seen) do values[i] = args[1] end
    expect(values).equals { 1, 2, 3, 4 }
  end)

  test.it("the buffer has a cap", function()
    local s = connect { buffer = { count = 2 }, url = "http://127.0.0.1:9" }
    s:connect()
    expect(s:emit("a")).is(true)
    expect(s:emit("b")).is(true)
    local ok, err = s:emit("c")
    expect(ok).is_nil()
    expect(err.code).is("BUFFER_FULL")
  end)

  test.it("what waited too long is not sent; its call ends as EXPIRED", function()
    local s = connect { buffer = { age = 0.03 }, url = "http://127.0.0.1:9" }
    s:connect()
    local reply, err = s:timeout(5):call("echo", 1)
    expect(reply).is_nil()
    expect(err.code).is("EXPIRED")
    expect(err.sent).is("no")
  end)
end)

test.describe("options", function()
  test.it("that are wrong raise, and name themselves", function()
    local function try(more)
      return function() connect(more) end
    end
    expect(try { uri = "x" }).raises('unknown option "uri"')
    expect(try { url = "not a url" }).raises("not a url")
    expect(try { reconnect = { dealy = 1 } }).raises('unknown option "dealy"')
    expect(try { namespace = "admin" }).raises("starts with /")
    expect(try { transports = { "pigeon" } }).raises("pigeon")
    expect(try { transports = { "polling", "polling" } }).raises("twice")
    expect(try { transports = {} }).raises("one at least")
    expect(try { deflate = { bits = 9 } }).raises('unknown option "bits"')
    expect(try { headers = { A = "b\r\nC: d" } }).raises("line break")
    expect(function() socket.connect("bad name", options()) end).raises("a name is made of")
    expect(function() socket.connect("s1", options()) end).raises("declared twice")
    expect(function() socket.attach("nocolon") end).raises("script:name")
  end)

  test.it("attaching to what is not there is pending", function()
    local s = socket.attach("nobody:chat")
    expect(s.state).is("pending")
    local ok, err = s:emit("x")
    expect(ok).is_nil()
    expect(err.code).is("NOT_CONNECTED")
  end)
end)
