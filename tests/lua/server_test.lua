-- The server, asked by our own clients in the same script, and its parts that need none.
-- tests/peer/server_test.sh speaks to it with others' clients.
local http = require "tidelock.http"
local json = require "tidelock.json"
local packet = require "tidelock.server.packet"
local router = require "tidelock.server.router"
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect = test.expect

local declared = server.listen("declared", { port = 0 })
declared:get("/", function() return "hi" end)
local before = declared.port

-- What the server's sockets have seen, for the tests below.
local seen = { reasons = {} }

local backend = server.listen("backend", { max_body = 1000 })
backend:use(function(req, next)
  if req.query.stop then return 418, "stopped" end
  return next()
end)
backend:get("/items/:id", function(req) return { id = req.params.id, header = req.headers["x-one"] } end)
backend:post("/items", function(req)
  local item, err = req:json()
  if item == nil then return nil, err end
  return 201, item, { Location = "/items/1" }
end)
backend:get("/text", function() return "text", { ["Content-Type"] = "text/x" } end)
backend:get("/nothing", function() end)
backend:get("/wrong", function() return 200, { f = print } end)
backend:get("/gone", function() return nil, server.error(410, "GONE", "it was here") end)
local sleepers = 0
backend:get("/sleep", function()
  sleepers = sleepers + 1
  test.wait_for(function() return sleepers == 20 end, 20) -- until all of them are here
  return "slept"
end)

local io = backend:io { ping_interval = 0.1 }
io:on("connection", function(sock)
  seen.sock = sock
  sock.data.joined = true
  sock:on("add", function(a, b, ack) ack(a + b) end)
  sock:on("echo", function(value, list, ack)
    ack(server.binary(value), { server.binary(list[1]), list[2], server.binary(list[3]) })
  end)
  sock:on("handshake", function(ack) ack(sock.handshake.query, sock.handshake.headers["x-n"]) end)
  sock:on("twice", function(ack) ack(1) seen.again = table.pack(ack(2)) end)
  sock:on("nothing", function(value, ack) seen.null = value == json.null ack() end)
  sock:once("once", function() seen.once = (seen.once or 0) + 1 end)
  sock:on("disconnect", function(reason) seen.reasons[#seen.reasons + 1] = reason end)
end)

local function connect(name)
  local client = socket.connect(name, { url = backend.url })
  test.wait_for(function() return client.state == "connected" end)
  return client
end

test.describe("a server over HTTP", function()
  test.it("answers what handlers return", function()
    local item = http.get(backend.url .. "/items/a%20b", { headers = { ["X-One"] = "1" } })
    expect(item.status).is(200)
    expect(item:json()).equals { id = "a b", header = "1" }
    local made = http.post(backend.url .. "/items", { json = { name = "x", list = json.array {} } })
    expect(made.status).is(201)
    expect(made.headers.location).is "/items/1"
    expect(made.body).contains '"list":[]'
    local text = http.get(backend.url .. "/text")
    expect(text.headers["content-type"]).is "text/x"
    expect(text.body).is "text"
    expect(http.get(backend.url .. "/nothing").status).is(204)
  end)

  test.it("says what is wrong", function()
    local function status(path, method)
      return http.request({ url = backend.url .. path, method = method or "GET" }).status
    end
    expect(status "/none").is(404)
    expect(status("/items/1", "DELETE")).is(405)
    expect(status("/items/1", "OPTIONS")).is(204)
    expect(status "/gone").is(410)
    expect(status "/wrong").is(500)
    expect(test.uncaught()).contains "a function is no JSON value"
    expect(status "/items/1?stop=1").is(418)
    expect(http.post(backend.url .. "/items", { body = "{" }).status).is(400)
    expect(http.post(backend.url .. "/items", { body = ("x"):rep(1001) }).status).is(413)
  end)

  test.it("lets handlers wait side by side", function()
    local tasks = {}
    for i = 1, 20 do tasks[i] = function() return http.get(backend.url .. "/sleep").body end end
    for _, body in ipairs(task.all(tasks)) do expect(body).is "slept" end
  end)
end)

-- A server with cors and origins.
local guarded = server.listen("guarded", {
  hosts = { "app.test", "*.app.test:8080" }, origins = "http://page.test",
})
guarded:get("/", function(req) return req.headers.host end)
guarded:io { cors = { "https://Poll.test:443", "http://*.poll.test" } }
local POLLING = "/socket.io/?EIO=4&transport=polling"

test.describe("who is let in", function()
  local function ask(path, headers, method)
    return http.request({ url = guarded.url .. path, headers = headers, method = method or "GET" })
  end

  test.it("by the names of the server, and loopback's", function()
    local here = guarded.url:match "//(.*)"
    expect(ask("/").status).is(200)
    expect(ask("/", { Host = "app.test" }).body).is "app.test"
    expect(ask("/", { Host = "x.APP.test:8080" }).status).is(200)
    expect(ask("/", { Host = here:gsub("127.0.0.1", "localhost") }).status).is(200)
    local any = "0.0.0.0:" .. guarded.port
    for _, host in ipairs { "evil.test", "x.app.test", "localhost", "app.test.evil.test", any } do
      local answer = ask("/", { Host = host })
      expect(answer.status).is(421)
      expect(answer:json().error.code).is "REJECTED"
      expect(ask(POLLING, { Host = host }).status).is(421)
    end
  end)

  test.it("by the origin, at Socket.IO too", function()
    local own = guarded.url
    for _, origin in ipairs { own, "http://page.test", "https://poll.test", "http://a.poll.test" } do
      expect(ask("/", { Origin = origin }).status).is(200)
      expect(ask(POLLING, { Origin = origin }).status).is(200)
    end
    local strangers = { "null", "http://evil.test", "https://page.test", own .. "0", "https://xpoll.test" }
    for _, origin in ipairs(strangers) do
      expect(ask("/", { Origin = origin }).status).is(403)
      expect(ask(POLLING, { Origin = origin }).status).is(403)
    end
  end)

  test.it("which answer the preflight of a browser", function()
    local answer = ask(POLLING, {
      Origin = "https://poll.test", ["Access-Control-Request-Method"] = "POST",
      ["Access-Control-Request-Headers"] = "x-a, content-type",
    }, "OPTIONS")
    expect(answer.status).is(204)
    expect(answer.headers["access-control-allow-origin"]).is "https://poll.test"
    expect(answer.headers["access-control-allow-credentials"]).is "true"
    expect(answer.headers["access-control-allow-headers"]).is "x-a, content-type"
    expect(answer.headers["access-control-allow-methods"]).contains "POST"
    expect(answer.headers.vary).is "Origin"
    answer = ask(POLLING, { Origin = "https://poll.test" })
    expect(answer.headers["access-control-allow-origin"]).is "https://poll.test"
    answer = ask("/socket.io/?EIO=3&transport=polling", { Origin = "http://a.poll.test" })
    expect(answer.status).is(400)
    expect(answer.headers["access-control-allow-origin"]).is "http://a.poll.test"
    answer = ask(POLLING, { Origin = "http://page.test" })
    expect(answer.headers["access-control-allow-origin"]).is_nil() -- it may send, and not read
  end)

  test.it("to a host that is not loopback only with hosts", function()
    for _, host in ipairs { "0.0.0.0", "::", "192.0.2.1" } do
      local other, err = server.listen("other", { host = host })
      expect(other).is_nil()
      if err.code == "INVALID" then expect(err.message).contains "hosts" end
    end
    local open, err = server.listen("open", { host = "0.0.0.0", hosts = { "*" } })
    expect(err).is_nil()
    expect(http.get(open.url, { headers = { Host = "any.test" } }).status).is(404)
    open:close()
  end)

  test.it("and lists that cannot be are refused", function()
    for _, wrong in ipairs { "http://x", "x/", "a b", "", "a:b", "*x", "x:99999" } do
      local other, err = server.listen("other", { hosts = { wrong } })
      expect(other).is_nil()
      expect(err.code).is "INVALID"
    end
    for _, wrong in ipairs { "x", "http://x/", "http://", "a b", "" } do
      local other, err = server.listen("other", { origins = { wrong } })
      expect(other).is_nil()
      expect(err.message).contains "origins"
      expect(function() declared:io { cors = wrong } end).raises "cors"
    end
    expect(function() server.listen("other", { hosts = { 1 } }) end).raises "hosts"
    expect(function() server.listen("other", { origins = true }) end).raises "origins"
  end)
end)

test.describe("a server over Socket.IO", function()
  test.it("answers calls, and calls", function()
    local client = connect "calls"
    expect(client:call("add", 1, 2)).is(3)
    expect(client:call("twice")).is(1)
    expect(seen.again[1]).is_nil()
    expect(seen.again[2].code).is "INVALID"
    expect(client:call("nothing", json.null)).is(true)
    expect(seen.null).is(true)
    client:on("question", function(n, ack) ack(n + 1) end)
    expect(seen.sock:call("question", 41)).is(42)
    local reply, err = seen.sock:timeout(0.05):call("nobody", { timeout = 9 })
    expect(reply).is_nil()
    expect(err.code).is "TIMEOUT"
    client:emit("once")
    client:emit("once")
    client:call("add", 1, 1)
    expect(seen.once).is(1)
    client:disconnect()
    test.wait_for(function() return #seen.reasons == 1 end)
    expect(seen.reasons).equals { "client namespace disconnect" }
    expect(seen.sock.connected).is(false)
    expect(seen.sock.data.joined).is(true)
    expect(select(2, seen.sock:emit("x")).code).is "NOT_CONNECTED"
  end)

  test.it("carries binary data both ways", function()
    for _, transport in ipairs { "websocket", "polling" } do
      local client = socket.connect("by_" .. transport, { url = backend.url, transports = { transport } })
      test.wait_for(function() return client.state == "connected" end)
      local bytes = "\0\1\255\n"
      local big = ("\0x\254"):rep(transport == "polling" and 100 or 50000) -- max_body is 1,000
      local told
      client:on("told", function(value, ack)
        told = value
        if ack then ack { n = 1, b = { socket.binary(value.b) } } end
      end)
      local values = { socket.binary(big), "text", socket.binary "" }
      local a, list = client:call("echo", socket.binary(bytes), values)
      expect(a).is(bytes)
      expect(list[1] == big).is(true)
      expect({ list[2], list[3] }).equals { "text", "" }
      expect(seen.sock:call("told", { b = server.binary(big) })).equals { b = { big }, n = 1 }
      expect(told.b == big).is(true)
      told = nil
      io:emit("told", { b = server.binary(bytes), c = server.binary "2" })
      test.wait_for(function() return told end)
      expect(told).equals { b = bytes, c = "2" }
      client:disconnect()
      test.wait_for(function() return #io:sockets() == 0 end)
    end
  end)

  test.it("reaches rooms", function()
    local heard, clients, ids = {}, {}, {}
    for i = 1, 3 do
      clients[i] = connect("room" .. i)
      ids[i] = seen.sock.id
      clients[i]:on("said", function(text) heard[#heard + 1] = i .. " " .. text end)
    end
    local a, b = io:socket(ids[1]), io:socket(ids[2])
    a:join "r"
    b:join "r"
    b:join "s"
    io:to("r"):emit("said", "one")
    io:to("r"):to("s"):except(a.id):emit("said", "two")
    a:to("r"):emit("said", "three")
    a.broadcast:emit("said", "four")
    io:except("r"):emit("said", "five")
    b:leave "r"
    io:to("r"):emit("said", "six")
    io:to("nobody"):emit("said", "seven")
    io:emit("said", "eight")
    test.wait_for(function() return #heard == 11 end)
    table.sort(heard)
    expect(heard).equals {
      "1 eight", "1 one", "1 six", "2 eight", "2 four", "2 one", "2 three", "2 two", "3 eight",
      "3 five", "3 four",
    }
    expect(#io:to("r"):sockets()).is(1)
    expect(b:rooms()).equals { "s" }
    for i = 1, 3 do clients[i]:disconnect() end
    test.wait_for(function() return #io:sockets() == 0 end)
    expect(next(io.rooms)).is_nil()
  end)

  test.it("refuses what cannot be sent", function()
    local client = connect "wrong"
    expect(function() io:emit("connect") end).raises "reserved"
    expect(function() seen.sock:emit(5) end).raises "string"
    local ok, err = io:emit("x", print)
    expect(ok).is_nil()
    expect(err.code).is "DECODE"
    expect(function() seen.sock:on("x") end).raises "function"
    expect(function() io:on("message", print) end).raises "connection"
    client:disconnect()
  end)

  test.it("fails a call when the client leaves", function()
    local client = connect "leaves"
    client:on("wait", function() client:disconnect() end)
    local reply, err = seen.sock:call("wait")
    expect(reply).is_nil()
    expect(err.code).is "CLOSED"
  end)
end)

test.describe("router", function()
  local routes = router.new()
  routes:add("GET", "/", "root")
  routes:add("GET", "/projects/:id", "project")
  routes:add("DELETE", "/projects/:id", "delete")
  routes:add("GET", "/projects/:id/parts/:part", "part")
  routes:add("GET", "/projects/new", "never: the first that fits wins")
  routes:add("GET", "/files/*path", "file")
  routes:add("*", "/any", "any")

  local function find(method, path)
    local target, params = routes:find(method, path)
    return { target, params }
  end

  test.it("finds by segments, and names them", function()
    expect(find("GET", "/")).equals { "root", {} }
    expect(find("GET", "/projects/7")).equals { "project", { id = "7" } }
    expect(find("GET", "/projects/7/")).equals { "project", { id = "7" } }
    expect(find("HEAD", "/projects/a%2Fb%20c")).equals { "project", { id = "a/b c" } }
    expect(find("GET", "/projects/1/parts/2")).equals { "part", { id = "1", part = "2" } }
    expect(find("GET", "/projects/new")).equals { "project", { id = "new" } }
    expect(find("GET", "/files/a/b.txt")).equals { "file", { path = "a/b.txt" } }
    expect(find("BREW", "/any")).equals { "any", {} }
  end)

  test.it("lists all methods", function()
    expect(routes:methods()).equals { "DELETE", "GET", "HEAD", "OPTIONS" }
    expect(router.new():methods()).equals { "OPTIONS" }
  end)

  test.it("distinguishes a wrong method from a wrong path", function()
    expect(find("PUT", "/projects/7")).equals { nil, { "DELETE", "GET", "HEAD" } }
    expect(find("GET", "/projects")).equals { nil, {} }
    expect(find("GET", "/projects//parts/1")).equals { nil, {} }
    expect(find("GET", "/Projects/1")).equals { nil, {} }
  end)

  test.it("refuses patterns that cannot be", function()
    expect(function() routes:add("GET", "x", 1) end).raises "begins with"
    expect(function() routes:add("GET", "/a:b", 1) end).raises "whole segment"
    expect(function() routes:add("GET", "/*rest/more", 1) end).raises "come last"
  end)

  test.it("reads queries", function()
    expect(router.query "a=1&b=x+y%21&a=2&c&=d&%zz=%").equals {
      a = "2", b = "x y!", c = "", [""] = "d", ["%zz"] = "%",
    }
    expect(router.query "").equals {}
  end)
end)

test.describe("packet", function()
  local function back(text)
    local p = packet.decode(text)
    return p and { p.type, p.nsp, p.id, p.data }
  end

  test.it("reads", function()
    expect(back '0').equals { 0, "/" }
    expect(back '0{"token":"x"}').equals { 0, "/", nil, { token = "x" } }
    expect(back '0/admin,').equals { 0, "/admin" }
    expect(back '0/admin?x=1,{}').equals { 0, "/admin", nil, {} }
    expect(back '2["a",1]').equals { 2, "/", nil, { "a", 1 } }
    expect(back '2/n,12["a"]').equals { 2, "/n", 12, { "a" } }
    expect(back '30[]').equals { 3, "/", 0, {} }
    expect(back '1').equals { 1, "/" }
  end)

  test.it("puts attachments into their places", function()
    local holder = '{"_placeholder":true,"num":%d}'
    local one = holder:format(0)
    local p = packet.decode('52-/n,7["a",' .. one .. "," .. holder:format(1) .. "]")
    expect(p.missing).is(2)
    expect(packet.attach(p, "x").missing).is(1)
    expect(packet.attach(p, "\0\255").data).equals { "a", "x", "\0\255" }
    expect({ p.type, p.nsp, p.id, packet.data(p) }).equals { 2, "/n", 7, { "a", "x", "\0\255" } }
    expect(packet.attach(packet.decode("61-3[" .. one .. "]"), "").data).equals { "" }
    local outside = '51-["a",' .. holder:format(1) .. "]"
    for _, text in ipairs { outside, "51-[" .. one .. "]" } do
      expect(packet.attach(packet.decode(text), "x")).is_nil()
    end
    -- As npm's parser takes them: named twice, or not at all.
    local twice = '51-["a",' .. one .. "," .. one .. "]"
    expect(packet.attach(packet.decode(twice), "x").data).equals { "a", "x", "x" }
    expect(packet.attach(packet.decode('51-["a"]'), "x").data).equals { "a" }
    local text, err, parts = packet.encode(2, "/n", 5, json.array { "a", { server.binary "x", 1 } })
    expect(text).is('51-/n,5["a",[' .. one .. ",1]]")
    expect(err).is_nil()
    expect(parts).equals { "x" }
    expect(packet.encode(3, "/", 0, json.array { server.binary "x" })).is("61-0[" .. one .. "]")
    text, err = packet.encode(2, "/", nil, json.array { "a", server.binary "x", json.decode(one) })
    expect(text).is_nil()
    expect(err.code).is "INVALID"
  end)

  test.it("refuses what breaks the rules", function()
    for _, text in ipairs {
      "", "x", "7", "2", "2{}", "2[]", '2[1]', '2["connect"]', '2["disconnect"]', "0[1]", '0"x"', "3[]",
      '3{}', '2["a"', '2["a"]x',
      '511-["a"]', '5-["a"]', '51["a"]', '50-[1]', '21234567890123456["a"]', "1{}", '4{"message":"x"}',
      "2" .. ("["):rep(5000),
    } do
      expect(packet.decode(text)).is_nil()
    end
  end)

  test.it("writes what it reads", function()
    expect(packet.encode(2, "/", nil, json.array { "a", 1 })).is '2["a",1]'
    expect(packet.encode(2, "/n", 5, json.array { "a" })).is '2/n,5["a"]'
    expect(packet.encode(1, "/n")).is "1/n,"
    expect(packet.encode(3, "/", 0, json.array {})).is "30[]"
    local text, err = packet.encode(2, "/", nil, json.array { "a", print })
    expect(text).is_nil()
    expect(err.code).is "DECODE"
  end)
end)

test.describe("listen", function()
  test.it("opens when the script has loaded", function()
    expect(before).is_nil()
    expect(declared.port > 0).is(true)
    expect(declared.url).is("http://127.0.0.1:" .. declared.port)
    expect(declared:connections()).is(0)
  end)

  test.it("says what is wrong", function()
    local other, err = server.listen("other", { port = declared.port })
    expect(other).is_nil()
    expect(err.code).is "BUSY"
    expect(err.message).contains(tostring(declared.port))
    other, err = server.listen("other", { host = "example.org" })
    expect(other).is_nil()
    expect(err.code).is "INVALID"
    expect(function() server.listen("declared", {}) end).raises "declared twice"
    expect(function() server.listen("x", { port = 70000 }) end).raises "port"
    expect(function() server.listen("x", { host = 5 }) end).raises "host"
    expect(function() server.listen("a b", {}) end).raises "name"
    expect(function() declared:route("GET", "/") end).raises "function"
  end)

  test.it("closes, and the port is free", function()
    local one = server.listen("one", {})
    local port = one.port
    one:close()
    expect(one.port).is_nil()
    local two, err = server.listen("two", { port = port })
    expect(err).is_nil()
    expect(two.port).is(port)
    two:close()
  end)

  test.it("knows its options", function()
    expect(function() declared:io { ping_interval = "x" } end).raises "ping_interval"
    expect(function() declared:io { path = "x" } end).raises "path"
    declared:io()
    expect(function() declared:io() end).raises "one io"
  end)
end)

test.describe("numbers", function()
  local values = { { 10 / 2, "5" }, { 2^53, "9007199254740992" }, { 1 << 62, "4611686018427387904" },
    { 2^63, "9223372036854775808" }, { -0.0, "0" }, { 0.1, "0.1" }, { 1e-7, "1e-07" }, { 1e300, "1e+300" } }
  test.it("in a connection's query and headers are written as in a request's", function()
    for i, each in ipairs(values) do
      local client = socket.connect("number" .. i, { url = backend.url, query = { n = each[1] },
        headers = { ["X-N"] = each[1] } })
      expect(client:wait(5)).is_true()
      local query, header = client:call "handshake"
      expect { query.n, header }.equals { each[2], each[2] }
      client:disconnect()
    end
  end)
  test.it("that are not finite are refused", function()
    for _, name in ipairs { "query", "headers" } do
      expect(function() socket.connect("odd", { url = backend.url, [name] = { n = 1 / 0 } }) end)
        .raises(name .. " holds no finite number")
    end
  end)
end)
