-- test.server: fake servers in this process, without ports, for HTTP, WebSocket and Socket.IO.
local http = require "tidelock.http"
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local timer = require "tidelock.timer"
local expect = test.expect

test.timeout = 20

test.describe("a fake server", function()
  test.it("answers by its routes", function()
    local fake = test.server {
      routes = {
        ["GET /users/:id"] = function(req) return { id = req.params.id, q = req.query.q } end,
        ["GET /text"] = "plain",
        ["GET /teapot"] = { status = 418, body = "short", headers = { ["X-Kind"] = "pot" } },
        ["POST /echo"] = function(req) return req.body end,
      },
    }
    expect(fake.url).is "http://fake.test"
    local res = assert(http.get(fake.url .. "/users/7?q=a%20b"))
    expect(res:json()).equals { id = "7", q = "a b" }
    expect(http.get(fake.url .. "/text").body).is "plain"
    res = assert(http.get(fake.url .. "/teapot"))
    expect(res.status).is(418)
    expect(res.headers["x-kind"]).is "pot"
    expect(http.post(fake.url .. "/echo", { body = "x" }).body).is "x"
    expect(http.get(fake.url .. "/none").status).is(404)
  end)

  test.it("notes what it was asked", function()
    local fake = test.server { host = "api.test", routes = { ["*  "] = nil, ["PUT /a"] = "" } }
    http.put("http://api.test:8080/a?b=c", { body = "body", headers = { ["X-One"] = "1" } })
    expect(#fake.requests).is(1)
    local asked = fake.requests[1]
    expect(asked.method .. asked.path .. asked.query.b .. asked.body).is "PUT/acbody"
    expect(asked.headers["x-one"]).is "1"
    expect(asked.headers.host).is "api.test:8080"
  end)

  test.it("is gone with its test", function()
    local fake = test.server { host = "api.test" }
    expect(http.get(fake.url).status).is(404)
    fake:close()
    test.clock()
    expect(select(2, http.get "http://api.test/").code).is "TEST_CLOCK"
  end)

  test.it("two at a time, each with its host", function()
    local a = test.server { host = "a.test", routes = { ["GET /"] = "a" } }
    local b = test.server { host = "b.test", routes = { ["GET /"] = "b" } }
    expect(http.get(a.url).body .. http.get(b.url).body .. http.get(a.url).body).is "aba"
    expect(function() test.server { host = "A.test" } end).raises "there is a fake server for a.test"
  end)

  test.it("many requests at once", function()
    local fake = test.server { routes = { ["GET /:n"] = function(req) return req.params.n end } }
    local all, sum = {}, 0
    for i = 1, 200 do all[i] = function() return tonumber(http.get(fake.url .. "/" .. i).body) end end
    for _, n in pairs(task.all(all)) do sum = sum + n end
    expect(sum).is(20100)
  end)

  test.it("a large body both ways", function()
    local fake = test.server { routes = { ["POST /echo"] = function(req) return req.body end } }
    local body = ("0123456789abcdef"):rep(1 << 17)
    local res = assert(http.post(fake.url .. "/echo", { body = body }))
    expect(res.body == body).is_true()
  end)
end)

test.describe("with a clock a fake server", function()
  test.it("answers, though time stands", function()
    test.clock()
    local fake = test.server { routes = { ["GET /"] = "here" } }
    for _ = 1, 3 do expect(http.get(fake.url).body).is "here" end
  end)

  test.it("dates its answers by the clock", function()
    local clock = test.clock { at = "2026-03-29T00:30:00Z" }
    test.server { host = "date.test", routes = { ["GET /"] = "x" } }
    local function date() return http.get("http://date.test/").headers.date end
    test.expect(date()).is "Sun, 29 Mar 2026 00:30:00 GMT"
    clock.advance(3600)
    clock.step(86400)
    test.expect(date()).is "Mon, 30 Mar 2026 01:30:00 GMT"
  end)

  test.it("answers late, on the clock", function()
    local clock = test.clock()
    local fake = test.server { delay = 2, routes = { ["GET /"] = { body = "late", delay = 3 } } }
    local asking = task.spawn(function() return http.get(fake.url).body end)
    clock.advance(4.9)
    expect(asking:status()).is "running"
    clock.advance(0.1)
    expect(asking:await()).is "late"
  end)

  test.it("time-outs of requests are the clock's", function()
    local clock, from = test.clock(), timer.now()
    local fake = test.server { routes = { ["GET /"] = { delay = 3600 } } }
    local asking = task.spawn(function()
      local _, err = http.get(fake.url, { timeout = 30 })
      return err.code, timer.now() - from
    end)
    clock.advance(60)
    local code, took = asking:await()
    expect(code).is "TIMEOUT"
    expect(took).is_close(30, 0.01)
  end)
end)

test.describe("retries of a client", function()
  test.it("wait on the clock, as long as Retry-After says", function()
    local clock, from = test.clock(), timer.now()
    local fake, asked = test.server(), 0
    fake:route("GET", "/", function()
      asked = asked + 1
      if asked < 3 then return 503, "", { ["Retry-After"] = "20" } end
      return "third"
    end)
    local asking = task.spawn(function() return http.get(fake.url, { timeout = 60 }) end)
    clock.advance(19)
    expect(asked).is(1)
    clock.advance(41)
    expect(asking:await().body).is "third"
    expect(fake.requests[3].time - from).is_close(40, 0.01)
  end)
end)

test.describe("faults:", function()
  local function ask(fake)
    local res, err = http.post(fake.url, { body = "b", timeout = 10, retries = 0, breaker = false })
    return res and res.status, err and err.code, err and err.sent
  end
  local routes = { ["POST /"] = ("x"):rep(1000) }

  test.it("refuse", function()
    local fake = test.server { routes = routes }
    fake:fail("refuse", { times = 2 })
    for _ = 1, 2 do
      local _, code, sent = ask(fake)
      expect(code).is "CONNECT"
      expect(sent).is "no"
    end
    expect((ask(fake))).is(200)
    expect(#fake.requests).is(1)
  end)

  test.it("reset", function()
    local fake = test.server { routes = routes }
    expect((ask(fake))).is(200) -- the kept connection is not used
    fake:fail "reset"
    local status, code = ask(fake)
    expect(status).is_nil()
    expect(code).is "RESET"
    expect((ask(fake))).is(200)
  end)

  test.it("cut after some bytes", function()
    local fake = test.server { routes = routes }
    for _, bytes in ipairs { 0, 1, 40, 300 } do
      fake:fail("cut", { bytes = bytes })
      local status, code = ask(fake)
      expect(status).is_nil()
      expect(code).is "RESET"
    end
    fake:fail("cut", { bytes = 100000 })
    expect((ask(fake))).is(200)
  end)

  test.it("hang", function()
    local clock = test.clock()
    local fake = test.server { routes = routes }
    fake:fail("hang", { times = math.huge })
    local asking = task.spawn(ask, fake)
    clock.advance(9.9)
    expect(asking:status()).is "running"
    clock.advance(0.2)
    expect(select(2, asking:await())).is "TIMEOUT"
    fake:fail "none"
    expect((ask(fake))).is(200)
  end)
end)

test.describe("sockets of a fake server:", function()
  test.it("Socket.IO, reconnection on the clock", function()
    local clock = test.clock()
    local fake = test.server { host = "chat.test" }
    fake:io():on("connection", function(sock)
      sock:on("say", function(text, ack) ack("said " .. text) end)
    end)
    local chat = socket.connect("chat", { url = fake.url, reconnect = { delay = 1, max_delay = 4 } })
    clock.advance(0)
    expect(chat.state).is "connected"
    expect(chat:call("say", "hello")).is "said hello"
    fake:fail("refuse", { times = math.huge })
    fake:disconnect()
    clock.advance(0)
    expect(chat.state).is "reconnecting"
    clock.advance(3600)
    expect(chat.state).is "reconnecting"
    fake:fail "none"
    clock.advance(10)
    expect(chat.state).is "connected"
    expect(chat:call("say", "again")).is "said again"
    chat:disconnect()
  end)

  test.it("Socket.IO by polling alone", function()
    local clock = test.clock()
    local fake = test.server()
    fake:io():on("connection", function(sock) sock:emit("hello", 1) end)
    local chat, got = socket.connect("polling", { url = fake.url, transports = { "polling" } }), nil
    chat:on("hello", function(n) got = n end)
    clock.advance(1)
    expect(got).is(1)
    chat:disconnect()
    clock.advance(1)
  end)

  test.it("heartbeats for an hour", function()
    local clock = test.clock()
    local fake = test.server()
    fake:io()
    local chat, states = socket.connect("beats", { url = fake.url }), {}
    chat:on_state(function(state) states[#states + 1] = state end)
    clock.advance(3600)
    expect(chat.state).is "connected"
    expect(states[#states]).is "connected"
    expect(#states <= 2).is_true() -- connecting, connected: never lost
    chat:disconnect()
  end)

  test.it("a machine that slept for an hour notices, and connects again", function()
    local clock = test.clock()
    local fake = test.server()
    fake:io()
    local chat = socket.connect("sleeper", { url = fake.url })
    clock.advance(1)
    expect(chat.state).is "connected"
    clock.suspend(3600)
    clock.advance(0.1)
    expect(chat.state).is "reconnecting"
    clock.advance(10)
    expect(chat.state).is "connected"
    chat:disconnect()
  end)

  test.it("plain WebSocket", function()
    local fake = test.server()
    fake:websocket("/ws", { message = function(ws, data) ws:send("echo " .. data) end })
    local ws = socket.connect("plain", { url = fake.url .. "/ws", protocol = "websocket" })
    local got
    ws:on("message", function(text) got = text end)
    expect(ws:wait(5)).is_true()
    ws:send "hi"
    test.wait_for(function() return got end)
    expect(got).is "echo hi"
    ws:disconnect()
  end)
end)

test.describe("a real connection", function()
  test.it("that stands keeps a clock from beginning", function()
    local real = server.listen("real", {})
    real:io()
    local chat = socket.connect("real", { url = real.url })
    expect(chat:wait(10)).is_true()
    expect(function() test.clock() end).raises "a connection is open"
    chat:disconnect()
    local clock = test.clock()
    local late = socket.connect("late", { url = real.url })
    local waiting = task.spawn(late.wait, late, 5)
    clock.advance(5)
    expect(select(2, waiting:await()).message).contains "a test's clock stands"
    expect(select(2, http.get(real.url)).code).is "TEST_CLOCK"
    late:disconnect()
    real:close()
  end)
end)

test.describe("wrong use of a fake server:", function()
  local function wrong(name, text, fn) test.it(name, function() expect(fn).raises(text) end) end
  wrong("an unknown option", 'did you mean "routes"', function() test.server { route = {} } end)
  wrong("no route", "a route is like", function() test.server { routes = { ["/a"] = "" } } end)
  wrong("no host", "host is a name", function() test.server { host = "a b" } end)
  wrong("no fault", "server:fail takes", function() test.server():fail "boom" end)
  wrong("a method it does not have", "discnnect", function() test.server():discnnect() end)
end)
