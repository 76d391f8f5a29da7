-- Middleware of HTTP clients: order, values, answers of its own, misuse.
local test = require "tidelock.test"
local errors = require "tidelock.errors"
local http = require "tidelock.http"
local server = require "tidelock.server"
local task = require "tidelock.task"
local expect = test.expect

local srv = server.listen("http", {})
local served = {}

srv:route("*", "/echo", function(req)
  served.echo = (served.echo or 0) + 1
  return { method = req.method, query = req.query_string, headers = req.headers, body = req.body }
end)
srv:route("*", "/flaky/:name/:times", function(req)
  local name = req.params.name
  served[name] = (served[name] or 0) + 1
  if served[name] <= tonumber(req.params.times) then return 503, "busy", { ["Retry-After"] = "0" } end
  return { headers = req.headers, body = req.body }
end)
srv:get("/to/echo", function() return 302, "", { Location = "/echo" } end)
srv:get("/status/:code", function(req) return tonumber(req.params.code), "said the server" end)

-- A second origin.
local other = server.listen("other", {})
other:get("/echo", function(req) return { headers = req.headers } end)

local function client(options)
  options = options or {}
  options.base_url = options.base_url or srv.url
  return http.client(options)
end

test.describe("middleware", function()
  test.it("is an onion: the first added is the outermost", function()
    local api, seen = client(), {}
    for _, name in ipairs { "a", "b", "c" } do
      api:use(function(req, next)
        table.insert(seen, name)
        local res, err = next(req)
        table.insert(seen, name:upper())
        return res, err
      end)
    end
    expect(api:get "/echo".status).is(200)
    expect(table.concat(seen)).is "abcCBA"
  end)

  test.it("use returns the client", function()
    local api = client()
    expect(api:use(function(req, next) return next(req) end) == api).is(true)
  end)

  test.it("sees a request as a value: method, url, headers, body", function()
    local api, seen = client { headers = { ["X-Client"] = "1" } }, nil
    api:use(function(req, next)
      seen = req
      return next(req)
    end)
    api:post("/echo", { json = { a = 1 }, query = { q = 2 }, headers = { ["X-Own"] = { "1", "2" } } })
    expect(seen.method).is "POST"
    expect(seen.url).is(srv.url .. "/echo?q=2")
    expect(seen.body).is '{"a":1}'
    expect(seen.headers["Content-Type"]).is "application/json"
    expect(seen.headers["content-type"]).is "application/json"
    expect(seen.headers["X-CLIENT"]).is "1"
    expect(seen.headers["x-own"]).equals { "1", "2" }
    local names = {}
    for name in pairs(seen) do names[#names + 1] = name end
    table.sort(names)
    expect(names).equals { "body", "headers", "method", "url" }
  end)

  test.it("may change the request in place, in capitals or not", function()
    local api = client { headers = { Authorization = "old" } }
    api:use(function(req, next)
      req.headers.authorization = "new"
      req.headers["X-Added"] = 7
      req.method = "PUT"
      req.body = "changed"
      return next(req)
    end)
    local said = api:get "/echo":json()
    expect(said.method).is "PUT"
    expect(said.body).is "changed"
    expect(said.headers.authorization).is "new"
    expect(said.headers["x-added"]).is "7"
  end)

  test.it("may hand on a copy: what it leaves out is not sent", function()
    local api = client { headers = { ["X-Client"] = "1" } }
    api:use(function(req, next)
      return next { url = req.url .. "?x=1", method = "DELETE", headers = { ["X-B"] = "2" } }
    end)
    local said = api:post("/echo", "text"):json()
    expect(said.method).is "DELETE"
    expect(said.query).is "x=1"
    expect(said.body).is ""
    expect(said.headers["x-b"]).is "2"
    expect(said.headers["x-client"]).is_nil()
  end)

  test.it("what one changes is seen further in, and not by those outside", function()
    local api, outer = client(), nil
    api:use(function(req, next)
      local res = next(req)
      outer = req.headers["x-inner"]
      return res
    end)
    api:use(function(req, next)
      req.headers["X-Inner"] = "1"
      return next(req)
    end)
    expect(api:get "/echo":json().headers["x-inner"]).is "1"
    expect(outer).is_nil()
  end)

  test.it("next without a request hands on the one that came", function()
    local api = client()
    api:use(function(req, next)
      req.headers["X-A"] = "1"
      return next()
    end)
    expect(api:get "/echo":json().headers["x-a"]).is "1"
  end)

  test.it("names keep the spelling that the script gave them", function()
    local api, lines = client(), nil
    api:use(function(req, next) return next(req) end)
    -- The server gives names in lower case; the fake core shows the lines.
    local core = require "tidelock.http.core"
    local request = core.request
    core.request = function(given)
      lines = given.headers
      return request(given)
    end
    api:get("/echo", { headers = { ["X-MiXed"] = "1" } })
    core.request = request
    expect(lines).equals { "X-MiXed: 1" }
  end)

  test.it("may answer by itself: a response like any other, and no request", function()
    local api = client()
    local before = served.echo
    api:use(function(req)
      local headers = { ["X-A"] = "1", ["X-L"] = { "1", 2 }, ["Set-Cookie"] = { "a=1", "b=2" } }
      return { status = 201, headers = headers, body = '{"url":"' .. req.url .. '"}' }
    end)
    local res = api:get "/echo"
    expect(res.status).is(201)
    expect(res:json().url).is(srv.url .. "/echo")
    expect(res.headers["x-a"]).is "1"
    expect(res.headers["x-l"]).is "1, 2"
    expect(res.headers["set-cookie"]).equals { "a=1", "b=2" }
    expect(res.url).is(srv.url .. "/echo")
    expect(served.echo).is(before)
  end)

  test.it("an answer needs a status alone", function()
    local api = client():use(function() return { status = 204 } end)
    local res = api:get "/echo"
    expect(res.body).is ""
    expect(res.headers).equals {}
  end)

  test.it("may change the response, or give another for it", function()
    local api = client()
    api:use(function(req, next)
      local res = next(req)
      return { status = res.status + 1, headers = res.headers, body = res.body .. "!" }
    end)
    api:use(function(req, next)
      local res = next(req)
      res.body = "inner"
      return res
    end)
    local res = api:get "/echo"
    expect(res.status).is(201)
    expect(res.body).is "inner!"
  end)

  test.it("expect counts for what comes out of all of them", function()
    local seen
    local api = client { expect = "2xx" }
    api:use(function(req, next)
      local res, err = next(req)
      seen = res and res.status
      return res, err
    end)
    local res, err = api:get "/status/404"
    expect(res).is_nil()
    expect(err.code).is "HTTP"
    expect(seen).is(404)
    api:use(function() return { status = 418 } end)
    expect(select(2, api:get "/echo").status).is(418)
  end)

  test.it("an error of its own is what the caller gets", function()
    local api = client():use(function()
      return nil, errors.new { code = "MINE", message = "no" }
    end)
    local res, err = api:get "/echo"
    expect(res).is_nil()
    expect(err.code).is "MINE"
  end)

  test.it("what fails further in comes as nil and an error", function()
    local seen
    local api = client { base_url = "http://127.0.0.1:1", retries = 0 }
    api:use(function(req, next)
      local res, err = next(req)
      seen = err.code
      return res, err
    end)
    local none, err = api:get "/"
    expect(none).is_nil()
    expect(seen).is "CONNECT"
    expect(err.code).is "CONNECT"
  end)

  test.it("what it raises is raised, with its line", function()
    local api = client():use(function() error("broken on purpose") end)
    local ok, why = pcall(api.get, api, "/echo")
    expect(ok).is(false)
    expect(why).contains "http_middleware_test"
    expect(why).contains "broken on purpose"
    local value = setmetatable({}, {})
    api = client():use(function() error(value) end)
    ok, why = pcall(api.get, api, "/echo")
    expect(ok).is(false)
    expect(why == value).is(true)
  end)

  test.it("next may be called again: to renew a token, and ask again", function()
    local api, calls = client(), 0
    api:use(function(req, next)
      calls = calls + 1
      local first = next(req)
      req.headers.Authorization = "new"
      local second = next(req)
      return { status = first.status, body = second.body }
    end)
    expect(api:get "/echo":json().headers.authorization).is "new"
    expect(calls).is(1)
  end)

  test.it("next may be called at once, several times", function()
    local api = client()
    api:use(function(_, next)
      local both = task.all {
        a = function() return next { url = srv.url .. "/echo?a" } end,
        b = function() return next { url = srv.url .. "/echo?b" } end,
      }
      return { status = 200, body = both.a:json().query .. both.b:json().query }
    end)
    expect(api:get "/echo".body).is "ab"
  end)

  test.it("next is refused once the middleware has returned", function()
    local api, kept = client(), nil
    api:use(function(req, next)
      kept = next
      return next(req)
    end)
    api:get "/echo"
    expect(function() kept() end).raises "after its middleware had returned"
  end)

  test.it("runs once a call, whatever is retried or redirected", function()
    local api, calls, per_attempt = client(), 0, 0
    api:use(function(req, next)
      calls = calls + 1
      return next(req)
    end)
    api:use(function(req, next)
      per_attempt = per_attempt + 1
      return next(req)
    end, { per_attempt = true })
    expect(api:get "/flaky/once/2".status).is(200)
    expect(served.once).is(3)
    expect(calls).is(1)
    expect(per_attempt).is(3)
    expect(api:get "/to/echo".status).is(200)
    expect(calls).is(2)
    expect(per_attempt).is(4)
  end)

  test.it("each attempt begins with the call's request, not with what the last was made of", function()
    local api, bodies = client(), {}
    api:use(function(req, next)
      req.body = "call"
      return next(req)
    end)
    api:use(function(req, next)
      bodies[#bodies + 1] = req.body
      req.body = req.body .. "!"
      req.headers["X-Attempt"] = #bodies
      return next(req)
    end, { per_attempt = true })
    local said = api:put "/flaky/body/2":json()
    expect(bodies).equals { "call", "call", "call" }
    expect(said.body).is "call!"
    expect(said.headers["x-attempt"]).is "3"
  end)

  test.it("around an attempt may answer for it, and that answer is retried like a server's", function()
    local api, attempts = client(), 0
    api:use(function()
      attempts = attempts + 1
      if attempts < 3 then return { status = 503, headers = { ["Retry-After"] = "0" } } end
      return { status = 200, body = "at last" }
    end, { per_attempt = true })
    expect(api:get "/echo".body).is "at last"
    expect(attempts).is(3)
  end)

  test.it("added during a call counts for the next one", function()
    local api, late = client(), 0
    api:use(function(req, next)
      api:use(function(inner, go)
        late = late + 1
        return go(inner)
      end)
      return next(req)
    end)
    api:get "/echo"
    expect(late).is(0)
    api:get "/echo"
    expect(late).is(1)
  end)

  test.it("belongs to its client alone", function()
    local one, two = client(), client()
    one:use(function() return { status = 299 } end)
    expect(one:get "/echo".status).is(299)
    expect(two:get "/echo".status).is(200)
    expect(http.get(srv.url .. "/echo").status).is(200)
  end)

  test.it("another origin does not get the client's headers", function()
    local api = client { headers = { Authorization = "Bearer t", ["X-Api-Key"] = "k" } }
    api:use(function(req, next)
      req.url = other.url .. "/echo"
      req.headers["X-Own"] = "1"
      return next(req)
    end)
    local said = api:get "/echo":json().headers
    expect(said.authorization).is_nil()
    expect(said["x-api-key"]).is_nil()
    expect(said["x-own"]).is "1"
  end)

  -- What another origin gets of `secrets`, the client's header X-Secret, when a middleware leads there and
  -- has changed the header by `change`.
  local function elsewhere(secrets, change)
    local api = client { headers = { ["X-Secret"] = secrets } }
    api:use(function(req, next)
      req.url = other.url .. "/echo"
      if change then change(req.headers) end
      return next(req)
    end)
    return api:get "/echo":json().headers["x-secret"]
  end

  test.it("another origin gets no header of the client that is a list, nor one of its values", function()
    expect(elsewhere { "s1", "s2" }).is_nil()
    expect(elsewhere { 7 }).is_nil()
    expect(elsewhere({ "s1", "s2" }, function(headers) table.insert(headers["x-secret"], "own") end)).is "own"
    expect(elsewhere({ "s1", "s2" }, function(headers) headers["x-secret"] = "s2" end)).is_nil()
    expect(elsewhere("s1", function(headers) headers["x-secret"] = { "s1", "own" } end)).is "own"
    expect(elsewhere({ "s1" }, function(headers) headers["x-secret"] = { "own", "more" } end)).is "own, more"
  end)

  test.it("a list that a middleware changes is a copy of the client's", function()
    local api = client { headers = { ["X-List"] = { "a" } } }
    api:use(function(req, next)
      table.insert(req.headers["x-list"], "b")
      return next(req)
    end)
    for _ = 1, 2 do expect(api:get "/echo":json().headers["x-list"]).is "a, b" end
  end)

  test.it("the time that it takes is the call's", function()
    local api, waited = client { timeout = 0.05 }, nil
    api:use(function(req, next)
      task.sleep(0.1)
      local res, err = next(req)
      waited = true
      return res, err
    end)
    local before = served.echo
    local res, err = api:get "/echo"
    expect(res).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(err.sent).is "no"
    expect(waited).is(true)
    expect(served.echo).is(before)
  end)

  test.it("is cancelled with its call", function()
    local ended
    local api = client():use(function(req, next)
      local guard <close> = setmetatable({}, { __close = function() ended = true end })
      task.sleep(60)
      return next(req), guard
    end)
    local waiting = task.spawn(function() return api:get "/echo" end)
    task.sleep(0.01)
    waiting:cancel()
    expect(pcall(waiting.await, waiting)).is(false)
    expect(ended).is(true)
  end)
end)

test.describe("middleware misuse", function()
  test.it("use takes a function, and per_attempt", function()
    local api = client()
    expect(function() api:use() end).raises "a middleware is a function"
    expect(function() api:use {} end).raises "http_middleware_test"
    expect(function() api:use(print, { per_atempt = true }) end).raises "per_attempt"
    expect(function() api:use(print, { per_attempt = 1 }) end).raises "boolean"
    expect(function() api.use(print) end).raises "colon"
    expect(function() return http.use end).raises "no function 'use'"
  end)

  local function refused(name, handed_on, part)
    test.it(name .. " raises, with the line where it was added", function()
      local api = client():use(function(_, next) return next(handed_on) end)
      expect(function() api:get "/echo" end).raises(part)
      expect(function() api:get "/echo" end).raises "http_middleware_test"
    end)
  end
  refused("a request that is none", 5, "takes a request")
  refused("a request without a url", { method = "GET" }, "needs a url")
  refused("a request with another field", { url = "x", json = {} }, "no field 'json'")
  refused("a body that is a table", { url = "x", body = {} }, "body")
  refused("headers that are none", { url = "x", headers = "a" }, "headers")
  refused("a header given twice", { url = "x", headers = { a = "1", A = "2" } }, "twice")
  refused("headers without names", { url = "x", headers = { "a" } }, "named by strings")

  local function bad_answer(name, answer, part)
    test.it(name .. " raises, with the line where it was added", function()
      local api = client():use(function() return answer end)
      expect(function() api:get "/echo" end).raises(part)
      expect(function() api:get "/echo" end).raises "http_middleware_test"
    end)
  end
  bad_answer("no answer", nil, "returned nothing")
  bad_answer("an answer that is text", "text", "must be a table")
  bad_answer("an answer without a status", {}, "status")
  bad_answer("a status that is text", { status = "200" }, "status")
  bad_answer("a status of a fraction", { status = 200.5 }, "status")
  bad_answer("an answer with a table as its body", { status = 200, body = {} }, "body")
  bad_answer("an answer with another field", { status = 200, json = {} }, "no field 'json'")
  bad_answer("an answer with a header that is a table of names",
    { status = 200, headers = { a = { b = 1 } } }, "header a")
end)
