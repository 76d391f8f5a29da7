-- The parts of the server that need no client. tests/peer/server_test.sh speaks to a whole one.
local json = require "tidelock.json"
local packet = require "tidelock.server.packet"
local router = require "tidelock.server.router"
local server = require "tidelock.server"
local test = require "tidelock.test"
local expect = test.expect

local declared = server.listen("declared", { port = 0 })
declared:get("/", function() return "hi" end)
local before = declared.port

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

  test.it("tells a wrong method from a wrong path", function()
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

  test.it("refuses what breaks the rules", function()
    for _, text in ipairs {
      "", "x", "7", "2", "2{}", "2[]", '2[1]', '2["connect"]', '2["disconnect"]', "0[1]", '0"x"', "3[]",
      '3{}', '2["a"', '2["a"]x', '51-["a"]', '21234567890123456["a"]', "1{}", '4{"message":"x"}',
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
