-- A private cache of responses: RFC 9111 and RFC 5861, as functions and around a server that is a function.
local test = require "tidelock.test"
local cache_control = require "tidelock.http.cache_control"
local caches = require "tidelock.http.cache"
local http = require "tidelock.http"
local server = require "tidelock.server"
local freshness = require "tidelock.http.freshness"
local task = require "tidelock.task"
local expect = test.expect

local function directives(text)
  local out = {}
  for name, value in pairs(cache_control.parse(text)) do out[#out + 1] = name .. "=" .. tostring(value) end
  table.sort(out)
  return table.concat(out, " ")
end

test.describe("Cache-Control", function()
  test.it("is read by directives", function()
    expect(directives "max-age=60, No-Cache , private").equals "max-age=60 no-cache=true private=true"
    expect(directives 'no-cache="Set-Cookie, X", max-age="5"').equals "max-age=5 no-cache=Set-Cookie, X"
    expect(directives 'a="x\\"y", b').equals 'a=x"y b=true'
    expect(directives 'a="", b= 3 ;c').equals "a= b=3"
    expect(directives "").equals ""
    expect(directives ",,=,;").equals ""
  end)

  test.it("counts the first of a directive that is repeated with another value", function()
    expect(directives "max-age=1, max-age=9").equals "max-age=1"
  end)

  test.it("ends, whatever it is given", function()
    for _, text in ipairs { '"', 'a="', 'a="\\', "=", "a==b", ("a="):rep(1000), ('"'):rep(1000) } do
      cache_control.parse(text)
    end
    expect(cache_control.seconds "10").equals(10)
    expect(cache_control.seconds "99999999999999999999").equals(2147483648)
    for _, wrong in ipairs { "", "-1", "1.5", "x", " 1" } do
      expect(cache_control.seconds(wrong)).equals(nil)
    end
    expect(cache_control.seconds(true)).equals(nil)
  end)
end)

local DATE, LATER = "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:59:37 GMT"
local wall = 784111777 -- DATE

local function lifetime(headers, status)
  headers.date = headers.date or DATE
  return freshness.lifetime { status = status or 200, headers = headers }
end

local function storable(headers, status, wishes)
  return freshness.is_storable(cache_control.parse(wishes), { status = status or 200, headers = headers })
    and true or false
end

test.describe("freshness", function()
  test.it("comes from max-age, then Expires, then a tenth of the age of what was modified (4.2)", function()
    expect(lifetime { ["cache-control"] = "max-age=60, s-maxage=5", expires = LATER }).equals(60)
    expect(lifetime { expires = LATER }).equals(600)
    expect(lifetime { ["last-modified"] = "Sun, 06 Nov 1994 08:32:57 GMT" }).equals(100)
    expect(lifetime({ ["last-modified"] = "Sun, 06 Nov 1994 08:32:57 GMT" }, 302)).equals(0)
    expect(lifetime {}).equals(0)
  end)

  test.it("is none where it cannot be read", function()
    for _, value in ipairs { "max-age=x", "max-age", "max-age=-1", "max-age=1.5" } do
      expect(lifetime { ["cache-control"] = value, expires = LATER }).equals(0)
    end
    expect(lifetime { expires = "0" }).equals(0)
    expect(lifetime { expires = DATE }).equals(0)
    expect(lifetime { expires = DATE, date = LATER }).equals(0)
    expect(lifetime { expires = LATER .. ", " .. LATER }).equals(0)
  end)

  test.it("counts the age that came with it (4.2.3)", function()
    local function age(headers, now, delay)
      return freshness.age_on_arrival({ headers = headers }, now, delay)
    end
    expect(age({ date = DATE }, wall + 20, 0)).equals(20)
    expect(age({ date = DATE, age = "50" }, wall + 20, 2)).equals(52)
    expect(age({ date = LATER }, wall, 0)).equals(0)
    expect(age({ age = "x", date = DATE }, wall, 1)).equals(1)
    expect(age({}, wall, 3)).equals(3)
  end)

  test.it("is for what may be stored (3)", function()
    expect(storable {}).is_true()
    expect(storable({}, 404)).is_true()
    expect(storable({}, 302)).equals(false)
    expect(storable({ ["cache-control"] = "max-age=1" }, 302)).is_true()
    expect(storable({ expires = LATER }, 500)).is_true()
    expect(storable({ ["cache-control"] = "max-age=1" }, 206)).equals(false)
    expect(storable({ ["cache-control"] = "max-age=1" }, 304)).equals(false)
    expect(storable({ ["cache-control"] = "no-store, max-age=1" })).equals(false)
    expect(storable({ ["cache-control"] = "no-store, must-understand, max-age=1" })).is_true()
    expect(storable({ ["cache-control"] = "no-store, must-understand, max-age=1" }, 299)).equals(false)
    expect(storable({ ["cache-control"] = "private, no-cache" })).is_true()
    expect(storable({}, 200, "no-store")).equals(false)
    expect(storable { vary = "Accept, *" }).equals(false)
  end)
end)

-- --- around a server --------------------------------------------------------------------------

local function http_date(seconds) return os.date("!%a, %d %b %Y %H:%M:%S GMT", seconds) end

-- A server that is a function(request) → status, headers, body; nil: an error. Counts what it is asked.
local function world(serve, limits)
  local w = { cache = caches.new(limits), asked = 0 }
  local function send(req)
    w.asked, w.last = w.asked + 1, req
    local status, headers, body = serve(req)
    if not status then return nil, headers end
    headers.date = headers.date or http_date(os.time())
    return { status = status, headers = headers, body = body or "", url = req.url, version = "1.1" }
  end
  function w.request(method, path, headers)
    local req = { method = method, url = "http://h.test" .. path, headers = headers or {} }
    local res, err = caches.fetch(w.cache, req, send)
    return res, err
  end
  function w.get(path, headers) return w.request("GET", path, headers) end
  return w
end

local function always(headers, body, status)
  return function()
    local copy = {}
    for name, value in pairs(headers) do copy[name] = value end
    return status or 200, copy, body or "body"
  end
end

test.describe("the cache", function()
  test.it("answers what is fresh, with its age", function()
    local w = world(always { ["cache-control"] = "max-age=60", age = "5" })
    w.get "/a"
    local res = w.get "/a#part"
    expect(w.asked).equals(1)
    expect(res.cache).equals "fresh"
    expect(res.body).equals "body"
    expect(res.headers.age).equals "5"
    res.headers.age = "changed"
    expect(w.get("/a").headers.age).equals "5"
    expect(w.cache:stats().hits).equals(2)
  end)

  test.it("asks again for what is stale, with its validators", function()
    local w = world(function(req)
      if req.headers["if-none-match"] == '"v1"' then
        return 304, { etag = '"v1"', ["x-new"] = "1", ["content-length"] = "99" }
      end
      return 200, { etag = '"v1"', ["last-modified"] = DATE, ["cache-control"] = "no-cache",
        ["content-length"] = "4" }, "body"
    end)
    w.get "/a"
    local res = w.get "/a"
    expect(w.last.headers["if-modified-since"]).equals(DATE)
    expect(res.status).equals(200)
    expect(res.cache).equals "revalidated"
    expect(res.body).equals "body"
    expect(res.headers["x-new"]).equals "1"
    expect(res.headers["content-length"]).equals "4"
  end)

  test.it("asks without a condition when a 304 is about another body (4.3.4)", function()
    local w = world(function(req)
      if req.headers["if-none-match"] then return 304, { etag = '"other"' } end
      return 200, { etag = '"v1"', ["cache-control"] = "max-age=0" }, "body"
    end)
    w.get "/a"
    expect(w.get("/a").status).equals(200)
    expect(w.asked).equals(3)
  end)

  test.it("hands a 304 to nobody but who sent the condition", function()
    local w = world(function(req)
      return req.headers["if-none-match"] and 304 or 200, { etag = '"v"', ["cache-control"] = "max-age=60" }
    end)
    expect(w.get("/a", { ["if-none-match"] = '"v"' }).status).equals(304)
    expect(w.get("/a").status).equals(200)
    expect(w.get("/a", { ["if-none-match"] = '"v"' }).status).equals(304)
    expect(w.asked).equals(3)
  end)

  test.it("tells variants apart by Vary, and accounts always", function()
    local w = world(function(req)
      return 200, { vary = "Accept-Language", ["cache-control"] = "max-age=60" },
        tostring(req.headers["accept-language"])
    end)
    expect(w.get("/a", { ["accept-language"] = "de" }).body).equals "de"
    expect(w.get("/a", { ["accept-language"] = "en" }).body).equals "en"
    expect(w.get("/a", { ["accept-language"] = " de " }).cache).equals "fresh"
    expect(w.get("/a").body).equals "nil"
    expect(w.asked).equals(3)
    w.get("/a", { ["accept-language"] = "de", authorization = "Bearer b" })
    expect(w.asked).equals(4)
    for n = 1, 100 do w.get("/a", { ["accept-language"] = "x" .. n }) end
    expect(w.cache:stats().entries).equals(16)
  end)

  test.it("never stores what varies by everything", function()
    local w = world(always { vary = "*", ["cache-control"] = "max-age=60" })
    w.get "/a"
    w.get "/a"
    expect(w.asked).equals(2)
  end)

  test.it("does what the request wishes (5.2.1)", function()
    local w = world(always { ["cache-control"] = "max-age=100", age = "50" })
    expect(w.get("/a", { ["cache-control"] = "only-if-cached" }).status).equals(504)
    expect(w.asked).equals(0)
    w.get "/a"
    for wish, cached in pairs { ["max-age=60"] = true, ["max-age=10"] = false, ["min-fresh=40"] = true,
      ["min-fresh=90"] = false, ["no-cache"] = false } do
      local before = w.asked
      w.get("/a", { ["cache-control"] = wish })
      expect(w.asked == before).equals(cached)
    end
    local before = w.asked
    w.get("/a", { pragma = "no-cache" })
    expect(w.asked).equals(before + 1)
    w.get("/b", { ["cache-control"] = "no-store" })
    w.get "/b"
    expect(w.asked).equals(before + 3)
  end)

  test.it("uses what is stale when the request says so, unless the server forbids it", function()
    local stale = { ["cache-control"] = "max-age=10", age = "50" }
    local w = world(always(stale))
    w.get "/a"
    expect(w.get("/a", { ["cache-control"] = "max-stale" }).cache).equals "stale"
    expect(w.get("/a", { ["cache-control"] = "max-stale=60" }).cache).equals "stale"
    expect(w.get("/a", { ["cache-control"] = "max-stale=20" }).cache).equals(nil)
    stale["cache-control"] = "max-age=10, must-revalidate"
    w.get "/b"
    expect(w.get("/b", { ["cache-control"] = "max-stale" }).cache).equals(nil)
  end)

  test.it("shows what is stale while it asks, once at a time (RFC 5861, 3)", function()
    local w
    w = world(function()
      if w.asked > 1 then task.sleep(0.02) end
      local headers = { ["cache-control"] = "max-age=10, stale-while-revalidate=60" }
      headers.age = w.asked == 1 and "30" or nil
      return 200, headers, "body " .. w.asked
    end)
    w.get "/a"
    expect(w.get("/a").cache).equals "stale"
    expect(w.get("/a").body).equals "body 1"
    task.sleep(0.05)
    expect(w.asked).equals(2)
    expect(w.get("/a").body).equals "body 2"
    expect(w.get("/a").cache).equals "fresh"
  end)

  test.it("lets what is stale stand in for a failure (RFC 5861, 4)", function()
    for _, failure in ipairs { 500, 502, 503, 504, "CONNECT" } do
      for control, stands in pairs { ["max-age=10, stale-if-error=60"] = true,
        ["max-age=10, stale-if-error=20"] = false, ["max-age=10"] = false,
        ["max-age=10, stale-if-error=60, must-revalidate"] = false } do
        local w
        w = world(function()
          if w.asked > 1 and failure == "CONNECT" then return nil, { code = "CONNECT" } end
          return w.asked > 1 and failure or 200, { ["cache-control"] = control, age = "50" }, "body"
        end)
        w.get "/a"
        local res = w.get "/a"
        expect(res ~= nil and res.cache == "stale").equals(stands)
      end
    end
  end)

  test.it("takes no cancelled request, and no 404, for a failure", function()
    local w
    w = world(function()
      if w.asked == 2 then return nil, { code = "CANCELLED" } end
      return w.asked == 3 and 404 or 200, { ["cache-control"] = "max-age=10, stale-if-error=60", age = "50" }
    end)
    w.get "/a"
    expect(select(2, w.get "/a").code).equals "CANCELLED"
    expect(w.get("/a").status).equals(404)
  end)

  test.it("forgets what an unsafe method has changed, on its own origin (4.4)", function()
    for method, forgets in pairs { POST = true, PUT = true, DELETE = true, PATCH = true, MERGE = true,
      HEAD = false, OPTIONS = false } do
      local w = world(function(req)
        local named = req.method ~= "GET" and { location = "/b", ["content-location"] = "http://o.test/c" }
        return 200, named or { ["cache-control"] = "max-age=60" }
      end)
      for _, path in ipairs { "/a", "/b", "/c" } do w.get(path) end
      w.request(method, "/a")
      local before = w.asked
      w.get "/a"
      w.get "/b"
      w.get "/c"
      expect(w.asked - before).equals(forgets and 2 or 0)
    end
  end)

  test.it("forgets nothing for a method that failed", function()
    local w = world(function(req)
      return req.method == "GET" and 200 or 409, { ["cache-control"] = "max-age=60" }
    end)
    w.get "/a"
    w.request("DELETE", "/a")
    w.get "/a"
    expect(w.asked).equals(2)
  end)

  test.it("stores nothing that came by a redirect under the URL that was asked for", function()
    local cache, asked = caches.new(), 0
    local function send()
      asked = asked + 1
      local headers = { ["cache-control"] = "max-age=60" }
      return { status = 200, headers = headers, body = "", url = "http://h.test/new" }
    end
    for _ = 1, 2 do caches.fetch(cache, { method = "GET", url = "http://h.test/old", headers = {} }, send) end
    expect(asked).equals(2)
  end)

  test.it("is bounded by entries and bytes, the least recently used out first", function()
    local w = world(always { ["cache-control"] = "max-age=60" }, { max_entries = 3 })
    for _, path in ipairs { "/a", "/b", "/c", "/a", "/d" } do w.get(path) end
    local before = w.asked
    w.get "/a"
    expect(w.asked).equals(before)
    w.get "/b"
    expect(w.asked).equals(before + 1)
    w = world(always({ ["cache-control"] = "max-age=60" }, ("x"):rep(10000)), { max_bytes = 25000 })
    for n = 1, 100 do w.get("/" .. n) end
    expect(w.cache:stats().entries).equals(2)
    expect(w.cache:stats().bytes < 25000).is_true()
    expect(w.cache:stats().evictions).equals(98)
    w = world(always({ ["cache-control"] = "max-age=60" }, ("x"):rep(30000)), { max_bytes = 25000 })
    w.get "/a"
    expect(w.cache:stats().entries).equals(0)
    w.cache:clear()
    expect(w.cache:stats().bytes).equals(0)
  end)

  test.it("checks its limits where they are written", function()
    expect(function() caches.new { max_entries = 0 } end).raises "max_entries"
    expect(function() caches.new { max_bytes = "1" } end).raises "max_bytes"
    expect(function() http.cache { ttl = 1 } end).raises "ttl"
    expect(function() http.cache { max_bytes = -1 } end).raises "max_bytes"
    expect(function() caches.new():sizes() end).raises "method"
  end)
end)

-- --- a client -------------------------------------------------------------------------------

local srv, asked = server.listen("cache", {}), 0
srv:get("/list", function(req)
  asked = asked + 1
  if req.headers["if-none-match"] == '"1"' then return 304, "", { ETag = '"1"' } end
  return 200, "list of " .. (req.headers.authorization or "nobody"),
    { ETag = '"1"', ["Cache-Control"] = req.query.control or "max-age=60" }
end)
srv:post("/list", function() return 201, "" end)

test.describe("a client with a cache", function()
  local function client(options)
    options.base_url, asked = srv.url, 0
    return http.client(options)
  end

  test.it("asks once for what is fresh", function()
    local api = client { cache = true }
    expect(api:get("/list").body).equals "list of nobody"
    local res = api:get "/list"
    expect(res.cache).equals "fresh"
    expect(res.body).equals "list of nobody"
    expect(asked).equals(1)
    api:get("/list", { query = { page = 2 } })
    expect(asked).equals(2)
    expect(api:post("/list").status).equals(201)
    api:get "/list"
    expect(asked).equals(3)
  end)

  test.it("revalidates, within its middleware and with its headers", function()
    local api, seen = client { cache = true, headers = { Authorization = "Bearer a" } }, {}
    api:use(function(req, next)
      local res, err = next(req)
      seen[#seen + 1] = res.cache or "-"
      return res, err
    end)
    for _ = 1, 2 do
      local res = api:get("/list", { query = { control = "no-cache" } })
      expect(res.status).equals(200)
      expect(res.body).equals "list of Bearer a"
    end
    expect(seen).equals { "-", "revalidated" }
    expect(asked).equals(2)
  end)

  test.it("may share it with others, and goes past it for a stream", function()
    local cache = http.cache { max_entries = 10 }
    client({ cache = cache }):get "/list"
    local api = client { cache = cache }
    api:get "/list"
    expect(asked).equals(0)
    expect(cache:stats().hits).equals(1)
    for chunk in api:get("/list", { stream = true }):chunks() do expect(chunk).equals "list of nobody" end
    expect(asked).equals(1)
    expect(api:get("/none", { headers = { ["Cache-Control"] = "only-if-cached" } }).status).equals(504)
  end)

  test.it("says what a cache may be", function()
    expect(function() http.client { cache = 5 } end).raises "cache must be true"
    expect(function() http.get(srv.url, { cache = true }) end).raises "cache"
  end)
end)
