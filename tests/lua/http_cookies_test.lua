-- Cookies of requests: which jar, what comes of an answer, what goes out where, and what a script sees.
local test = require "tidelock.test"
local http = require "tidelock.http"
local expect = test.expect

-- A server that sets what the query `set` says, and answers with the Cookie header that came.
local function echo(host)
  local function answer(req)
    local set = req.query.set
    return req.query.to and 302 or 200, req.headers.cookie or "-",
      { ["Set-Cookie"] = set, Location = req.query.to }
  end
  local routes = { ["GET /"] = answer, ["GET /a/b"] = answer, ["GET /c"] = answer }
  return test.server { host = host, routes = routes }
end

local count = 0
-- A jar that no other test has.
local function new_jar(options)
  count = count + 1
  return http.cookies("test." .. count, options)
end

local function body(url, options)
  local res = assert(http.get(url, options))
  return res.body
end

local function names(jar)
  local out = {}
  for i, cookie in ipairs(jar:list()) do out[i] = cookie.name .. "=" .. cookie.value end
  return table.concat(out, " ")
end

test.describe("cookies", function()
  test.it("come back to the server that set them, and to no other", function()
    local one, two = echo "one.test", echo "two.test"
    local jar = new_jar()
    expect(body(one.url .. "/", { cookies = jar, query = { set = "a=1" } })).is "-"
    expect(body(one.url .. "/", { cookies = jar })).is "a=1"
    expect(body(two.url .. "/", { cookies = jar })).is "-"
    expect(body(one.url .. "/")).is "-"
    expect(body(one.url .. "/", { cookies = false })).is "-"
    expect(body(one.url .. "/", { cookies = new_jar() })).is "-"
  end)

  test.it("true is the script's own jar, for clients and bare calls; a name is that jar", function()
    local srv = echo "own.test"
    http.cookies():clear()
    local api = http.client { base_url = srv.url, cookies = true }
    api:get("/", { query = { set = "a=1" } })
    expect(body(srv.url .. "/", { cookies = true })).is "a=1"
    expect(names(http.cookies())).is "a=1"
    local jar = new_jar()
    api:get("/", { cookies = "test." .. count, query = { set = "b=2" } })
    expect(names(jar)).is "b=2"
    expect(api:get("/").body).is "a=1"
    expect(api:get("/", { cookies = false }).body).is "-"
    http.cookies():clear()
    expect(api:get("/").body).is "-"
  end)

  test.it("are taken of each hop of a redirect, for the server that sent it", function()
    local one, two = echo "hop1.test", echo "hop2.test"
    local jar = new_jar()
    local options = { cookies = jar, query = { set = "a=1", to = two.url .. "/?set=b%3D2" } }
    expect(body(one.url .. "/", options)).is "-"
    expect(body(one.url .. "/", { cookies = jar })).is "a=1"
    expect(body(two.url .. "/", { cookies = jar })).is "b=2"
    -- One hop sets it, the next of the same server gets it.
    jar:clear()
    expect(body(one.url .. "/", { cookies = jar, query = { set = "s=3", to = "/c" } })).is "s=3"
  end)

  test.it("of the script count before those of the jar, and stay with the first server", function()
    local one, two = echo "given1.test", echo "given2.test"
    local jar = new_jar()
    body(one.url .. "/", { cookies = jar, query = { set = "a=1" } })
    body(one.url .. "/", { cookies = jar, query = { set = "b=2" } })
    local given = { Cookie = "a=own" }
    expect(body(one.url .. "/", { cookies = jar, headers = given })).is "a=own; b=2"
    expect(body(one.url .. "/", { cookies = jar, headers = given, query = { to = two.url .. "/" } })).is "-"
  end)

  test.it("keep to path, prefix, Secure and domain, as RFC 6265bis has it", function()
    local srv = echo "www.shop.test"
    local jar = new_jar()
    local function offer(line)
      jar:clear()
      body(srv.url .. "/a/b", { cookies = jar, query = { set = line } })
      return names(jar)
    end
    expect(offer "SID=31d4d96e407aad42; Path=/; Domain=shop.test").is "SID=31d4d96e407aad42"
    expect(offer "SID=1; Domain=.shop.test").is "SID=1"
    for _, hostile in ipairs { "a=1; Domain=test", "a=1; Domain=TEST", "a=1; Domain=other.test",
      "a=1; Domain=x.www.shop.test", "a=1; Secure", "__Host-a=1; Secure; Path=/", "__Secure-a=1",
      "__host-a=1; Path=/", "=1", "a", "", "a=" .. ("x"):rep(4096), "a=1; Max-Age=0", "a=1; Max-Age=-1",
      "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT" } do
      expect(offer(hostile)).is ""
    end
    expect(offer "a=1; Path=/c").is "a=1"
    expect(body(srv.url .. "/", { cookies = jar })).is "-"
    expect(body(srv.url .. "/c", { cookies = jar })).is "a=1"
  end)

  test.it("go when their time is over, by the wall clock, after 400 days at most", function()
    local clock = test.clock { at = "2030-01-01T00:00:00Z" }
    local srv = echo "time.test"
    local jar = new_jar()
    local seen
    require "tidelock.task".spawn(function()
      body(srv.url .. "/", { cookies = jar, query = { set = "a=1; Max-Age=60" } })
      body(srv.url .. "/", { cookies = jar, query = { set = "b=1; Max-Age=99999999999" } })
      body(srv.url .. "/", { cookies = jar, query = { set = "c=1" } })
      seen = jar:list()
    end)
    clock.advance(1)
    expect(seen[1].expires - os.time() <= 60).is(true)
    expect(seen[2].expires - os.time() <= 400 * 86400).is(true)
    expect(seen[3].expires).is(nil)
    clock.advance(60)
    expect(names(jar)).is "b=1 c=1"
    clock.step(401 * 86400)
    expect(names(jar)).is "c=1"
  end)

  test.it("hold no more than a jar may", function()
    local srv = echo "many.test"
    local jar = new_jar()
    for i = 1, 60 do
      body(srv.url .. "/", { cookies = jar, query = { set = ("c%d=1; Path=/c"):format(i) } })
    end
    expect(#jar:list()).is(50)
    expect(jar:list()[1].name).is "c11"
  end)

  test.it("are for streams, pages, events and attempts, too", function()
    local jar, asked = new_jar(), {}
    local function note(req) asked[#asked + 1] = req.headers.cookie or "-" end
    local srv = test.server { host = "all.test", routes = {
      ["GET /list"] = function(req)
        note(req)
        local more = not req.query.n and { Link = "</list?n=2>; rel=next", ["Set-Cookie"] = "p=1" } or {}
        return 200, { 1 }, more
      end,
      ["GET /events"] = function(req)
        note(req)
        return 200, "data: x\n\n", { ["Content-Type"] = "text/event-stream" }
      end,
      ["GET /often"] = function(req)
        note(req)
        return #asked < 5 and 503 or 200, "", { ["Retry-After"] = "0", ["Set-Cookie"] = "r=" .. #asked }
      end,
    } }
    local got = 0
    for _ in http.items(srv.url .. "/list", { cookies = jar }) do got = got + 1 end
    expect(got).is(2)
    local step, state = http.events(srv.url .. "/events", { cookies = jar })
    expect(step(state).data).is "x"
    http.get(srv.url .. "/often", { cookies = jar })
    expect(asked).equals { "-", "p=1", "p=1", "p=1", "p=1; r=4" }
  end)

  test.it("are not seen by middleware, and not answered from a cache", function()
    local srv = echo "layers.test"
    local jar, shown = new_jar(), {}
    local api = http.client { base_url = srv.url, cookies = jar, cache = true,
      headers = { ["X-A"] = "1" } }
    api:use(function(req, next)
      shown[#shown + 1] = req.headers.cookie or "-"
      return next(req)
    end)
    api:get("/", { query = { set = "a=1" } })
    expect(api:get("/").body).is "a=1"
    expect(shown).equals { "-", "-" }
  end)

  test.it("are listed as they are", function()
    local srv = echo "list.test"
    local jar = new_jar()
    body(srv.url .. "/a/b", { cookies = jar, query = { set = "t=x=y; HttpOnly; Domain=list.test" } })
    expect(jar:list()).equals { { name = "t", value = "x=y", domain = "list.test", path = "/a",
      host_only = false, secure = false, http_only = true } }
  end)

  test.it("that cannot be raise", function()
    local function raises(what, fn)
      local ok, why = pcall(fn)
      expect(ok).is(false)
      expect(tostring(why):find(what, 1, true) ~= nil).is(true)
    end
    raises("cookies must be true", function() http.get("http://x.test", { cookies = {} }) end)
    raises("cookies must be true", function() http.client { cookies = 1 } end)
    raises("1 to 64", function() http.get("http://x.test", { cookies = "a b" }) end)
    raises("the name must be a string", function() http.cookies(1) end)
    raises("1 to 64", function() http.cookies "" end)
    raises("persist must be a boolean", function() http.cookies("a", { persist = 1 }) end)
    raises('unknown option "keep"', function() http.cookies("a", { keep = true }) end)
    raises("colon", function() http.cookies("a").list() end)
  end)
end)
