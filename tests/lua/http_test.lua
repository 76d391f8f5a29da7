local test = require "tidelock.test"
local http = require "tidelock.http"
local json = require "tidelock.json"
local server = require "tidelock.server"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local expect = test.expect

local srv = server.listen("http", {})
local open, most = 0, 0

srv:route("*", "/echo", function(req)
  return { method = req.method, query = req.query_string, headers = req.headers, body = req.body }
end)
srv:get("/status/:code", function(req)
  return tonumber(req.params.code), "said the server"
end)
srv:get("/later", function()
  open = open + 1
  most = math.max(most, open)
  task.sleep(0.2)
  open = open - 1
  return "late"
end)
srv:get("/stall", function() task.sleep(60) end)
srv:get("/headers", function()
  return 200, "", { ["Set-Cookie"] = { "a=1; Path=/", "b=2" }, ["X-Two"] = { "1", "2" } }
end)
srv:get("/gzip", function()
  -- "hello hello hello hello" through gzip
  local text = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01"
    .. "\xe3\x51\x3d\x8d\x17\x00\x00\x00"
  return 200, text, { ["Content-Encoding"] = "gzip", ["Content-Type"] = "text/plain" }
end)
srv:get("/big", function() return ("x"):rep(100000) end)
srv:get("/bad-json", function()
  return 200, '{"a": oops}', { ["Content-Type"] = "application/json" }
end)
srv:get("/to/:left", function(req)
  local left = tonumber(req.params.left)
  return 302, "", { Location = left > 1 and "/to/" .. (left - 1) or "/echo" }
end)
srv:get("/busy", function() return 503, "busy", { ["Retry-After"] = "7" } end)
srv:get("/busy-for", function(req)
  return 429, "busy", { ["Retry-After"] = req.query.value }
end)
srv:get("/busy-until", function()
  return 429, "busy", { ["Retry-After"] = "Sun, 06 Nov 2994 08:49:37 GMT" }
end)

local function url(path) return srv.url .. path end

-- What the server saw of a request.
local function seen(options)
  options.url = options.url or url "/echo"
  local res, err = http.request(options)
  if not res then error(err, 0) end
  return res:json()
end

test.describe("http", function()
  test.it("a response has status, headers, body, url and json", function()
    local res = http.get(url "/echo?x=1")
    expect(res.status).is(200)
    expect(res.headers["content-type"]).contains "application/json"
    expect(res.url).is(url "/echo?x=1")
    expect(res:json().method).is "GET"
    expect(json.decode(res.body).query).is "x=1"
  end)

  test.it("each verb sends its method", function()
    for _, verb in ipairs { "get", "post", "put", "patch", "delete" } do
      expect(http[verb](url "/echo"):json().method).is(verb:upper())
    end
    local res = http.head(url "/echo")
    expect(res.status).is(200)
    expect(res.body).is ""
  end)

  test.it("a method that is not known goes out as given", function()
    expect(seen { method = "post" }.method).is "POST"
    expect(seen { method = "Report" }.method).is "Report"
  end)

  test.it("bodies: text, JSON, none", function()
    expect(http.post(url "/echo", "text"):json().body).is "text"
    expect(http.post(url "/echo", "a\0b"):json().body).is "a\0b"
    local res = http.post(url "/echo", "text", { headers = { ["Content-Type"] = "text/csv" } })
    expect(res:json().headers["content-type"]).is "text/csv"
    res = http.put(url "/echo", { json = { a = json.array {} } }):json()
    expect(res.body).is '{"a":[]}'
    expect(res.headers["content-type"]).is "application/json"
    expect(http.post(url "/echo", { json = json.null }):json().body).is "null"
    expect(http.post(url "/echo", { json = false }):json().body).is "false"
    expect(http.post(url "/echo"):json().headers["content-length"]).is "0"
    expect(http.delete(url "/echo", { body = "why" }):json().body).is "why"
  end)

  test.it("a form goes as browsers send it (WHATWG URL)", function()
    local form = { ["a b"] = "c&d=ü*-._~", n = 3, t = true, list = { "x", "y" } }
    local res = http.post(url "/echo", { form = form })
    expect(res:json().body).is "a+b=c%26d%3D%C3%BC*-._%7E&list=x&list=y&n=3&t=true"
    expect(res:json().headers["content-type"]).is "application/x-www-form-urlencoded"
    expect(http.post(url "/echo", { form = {} }):json().body).is ""
    local typed = { ["content-type"] = "text/x" }
    res = http.put(url "/echo", { form = { a = "\0\r\n+" }, headers = typed }):json()
    expect(res.body).is "a=%00%0D%0A%2B"
    expect(res.headers["content-type"]).is "text/x"
  end)

  -- The parts of a body, by its boundary.
  local function multipart(parts)
    local said = http.post(url "/echo", { multipart = parts }):json()
    local boundary = said.headers["content-type"]:match "^multipart/form%-data; boundary=([%w]+)$"
    expect(#boundary >= 32 and #boundary <= 70).is(true)
    local mark = "--" .. boundary
    expect(said.body:sub(-#mark - 4)).is(mark .. "--\r\n")
    return said.body:gsub(mark, "MARK"), boundary
  end

  test.it("parts go as browsers send them (RFC 7578, HTML)", function()
    local body, first = multipart {
      { name = "title", body = "two\nlines" },
      { name = "file", filename = "a.txt", type = "text/plain", body = "a\0\r\nb" },
      { name = "raw", filename = "b.bin", body = "" },
    }
    expect(body).is('MARK\r\nContent-Disposition: form-data; name="title"\r\n\r\ntwo\nlines\r\n'
      .. 'MARK\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
      .. 'Content-Type: text/plain\r\n\r\na\0\r\nb\r\n'
      .. 'MARK\r\nContent-Disposition: form-data; name="raw"; filename="b.bin"\r\n'
      .. 'Content-Type: application/octet-stream\r\n\r\n\r\nMARK--\r\n')
    local _, second = multipart { { name = "a", body = "" } }
    expect(first ~= second).is(true)
    expect((multipart {})).is "MARK--\r\n"
  end)

  test.it("a file that may not be read is an error, not a request", function()
    local res, err = http.post(url "/echo", { multipart = { { name = "a", file = "x.txt" } } })
    expect(res).is_nil()
    expect(err.code).is "DENIED"
    expect(err.sent).is "no"
  end)

  test.it("names of parts cannot add headers: quotes and line ends are escaped", function()
    local body = multipart { { name = 'a"\r\nX: 1', filename = 'b"\r\n\n.txt', body = "", type = "a/b" } }
    expect(body).contains 'name="a%22%0D%0AX: 1"; filename="b%22%0D%0A%0A.txt"\r\nContent-Type: a/b\r\n\r\n'
    body = multipart { { name = "ü\ny\\", body = "" } } -- a lone line end in a name is a whole one
    expect(body).contains 'name="ü%0D%0Ay\\"\r\n\r\n'
  end)

  test.it("what JSON cannot hold is an error, not a request", function()
    local res, err = http.post(url "/echo", { json = { f = print } })
    expect(res).is_nil()
    expect(err.code).is "DECODE"
    expect(err.message).contains "f: a function"
  end)

  test.it("a query is encoded, sorted and added", function()
    local query = { ["a b"] = "c&d=ü", n = 3, t = true, list = { "x", "y" } }
    expect(seen { query = query }.query)
      .is "a%20b=c%26d%3D%C3%BC&list=x&list=y&n=3&t=true"
    expect(seen { url = url "/echo?z=1#part", query = { a = "-._~" } }.query).is "z=1&a=-._~"
    expect(seen { url = url "/echo?", query = { a = 1 } }.query).is "a=1"
    expect(seen { query = {} }.query).is ""
  end)

  test.it("numbers are written as people write them", function()
    local values = { { 10 / 2, "5" }, { 2^53, "9007199254740992" }, { 1 << 62, "4611686018427387904" },
      { 1e15, "1000000000000000" }, { 2^63, "9223372036854775808" }, { -3.0, "-3" }, { -0.0, "0" },
      { 0.1, "0.1" }, { 1 / 3, "0.3333333333333333" }, { 1e-7, "1e-07" },
      { math.mininteger, "-9223372036854775808" } }
    for _, each in ipairs(values) do
      expect(seen { query = { n = each[1] } }.query).is("n=" .. each[2])
      expect(seen { query = { n = { each[1], "x" } } }.query).is("n=" .. each[2] .. "&n=x")
      expect(seen { headers = { ["X-N"] = each[1] } }.headers["x-n"]).is(each[2])
    end
  end)

  test.it("cookies go out as one header", function()
    expect(seen { headers = { Cookie = { "a=1", "b=2; c=3" } } }.headers.cookie).is "a=1; b=2; c=3"
    expect(seen { headers = { cookie = "a=1" } }.headers.cookie).is "a=1"
  end)

  test.it("headers go out, lists as several", function()
    local given = { ["X-One"] = "1", ["X-Num"] = 5, Accept = { "a/b", "c/d" } }
    local headers = seen { headers = given }.headers
    expect(headers["x-one"]).is "1"
    expect(headers["x-num"]).is "5"
    expect(headers.accept).is "a/b, c/d"
  end)

  test.it("headers come in by lower-case name; cookies are a list", function()
    local headers = http.get(url "/headers").headers
    expect(headers["set-cookie"]).equals { "a=1; Path=/", "b=2" }
    expect(headers["x-two"]).is "1, 2"
    expect(headers["X-Two"]).is_nil()
  end)

  test.it("a header that would break the request is refused", function()
    for _, value in ipairs { "a\r\nX-Evil: 1", "a\nb", "a\0b" } do
      local res, err = http.get(url "/echo", { headers = { X = value } })
      expect(res).is_nil()
      expect(err.code).is "INVALID"
    end
    local res, err = http.get(url "/ech\0o")
    expect(res).is_nil()
    expect(err.code).is "INVALID"
  end)

  test.it("gzip is unpacked, and counted unpacked", function()
    expect(http.get(url "/gzip").body).is "hello hello hello hello"
    local res, err = http.get(url "/gzip", { max_body = 22 })
    expect(res).is_nil()
    expect(err.code).is "TOO_LARGE"
    expect(http.get(url "/gzip", { max_body = 23 }).status).is(200)
  end)

  test.it("a body larger than max_body is TOO_LARGE, and was sent", function()
    local res, err = http.get(url "/big", { max_body = 99999 })
    expect(res).is_nil()
    expect(err.code).is "TOO_LARGE"
    expect(err.sent).is "yes"
    expect(#http.get(url "/big", { max_body = 100000 }).body).is(100000)
  end)

  test.it("a body that is no JSON is DECODE, with an excerpt", function()
    local value, err = http.get(url "/bad-json"):json()
    expect(value).is_nil()
    expect(err.code).is "DECODE"
    expect(tostring(err)).contains "oops"
  end)

  test.it("redirects are followed, and can be limited", function()
    local res = http.get(url "/to/3")
    expect(res.status).is(200)
    expect(res.url).is(url "/echo")
    local _, err = http.get(url "/to/9")
    expect(err.code).is "HTTP"
    expect(err.message).contains "redirects"
    expect(http.get(url "/to/9", { redirects = 9 }).status).is(200)
    expect(http.get(url "/to/1", { redirects = 0 }).status).is(302)
  end)

  test.it("a timeout is TIMEOUT with its phase", function()
    local start = timer.now()
    local res, err = http.get(url "/stall", { timeout = 0.05 })
    expect(res).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(err.phase).is "response"
    expect(err.sent).is "unknown"
    expect(timer.now() - start < 5).is(true)
  end)

  test.it("a refused port is CONNECT and was not sent", function()
    local res, err = http.get "http://127.0.0.1:1/"
    expect(res).is_nil()
    expect(err.code).is "CONNECT"
    expect(err.sent).is "no"
    expect(err.recoverable).is(true)
  end)

  test.it("a URL that cannot be used is URL", function()
    for _, bad in ipairs { "", "nonsense", "/echo", "ftp://x/", "http://", "http://a:99999/" } do
      local res, err = http.get(bad)
      expect(res).is_nil()
      expect(err.code).is "URL"
    end
  end)

  test.it("cancelling the task ends the request", function()
    local result, err = task.with_timeout(0.02, function() return http.get(url "/stall") end)
    expect(result).is_nil()
    expect(err.code).is "TIMEOUT"
    local waiting = task.spawn(function() http.get(url "/stall") end)
    task.sleep(0.01)
    waiting:cancel()
    local ok, why = pcall(waiting.await, waiting)
    expect(ok).is(false)
    expect(why.code).is "CANCELLED"
  end)

  test.it("64 requests run side by side", function()
    local members = {}
    for i = 1, 64 do
      members[i] = function() return http.get(url "/later") end
    end
    local results = task.all(members)
    for i = 1, 64 do expect(results[i].body).is "late" end
    expect(most > 32).is(true)
  end)

  test.it("a 4xx or 5xx is a response unless another was expected", function()
    expect(http.get(url "/status/404").status).is(404)
    expect(http.get(url "/status/204", { expect = "2xx" }).status).is(204)
    expect(http.get(url "/status/404", { expect = 404 }).status).is(404)
    local res, err = http.get(url "/status/404?token=secret", { expect = "2xx" })
    expect(res).is_nil()
    expect(err.code).is "HTTP"
    expect(err.status).is(404)
    expect(err.sent).is "yes"
    expect(err.recoverable).is(false)
    expect(err.response.body).is "said the server"
    expect(tostring(err)).contains("GET " .. url "/status/404" .. " answered 404")
    expect(tostring(err)).contains "said the server"
    expect(tostring(err):find "secret").is_nil()
    res, err = http.get(url "/status/404", { expect = 200 })
    expect(res).is_nil()
    expect(err.code).is "HTTP"
  end)

  test.it("retry_after is read from seconds and from dates", function()
    local _, err = http.get(url "/busy", { expect = "2xx", retries = 0 })
    expect(err.retry_after).is(7)
    expect(err.recoverable).is(true)
    for value, seconds in pairs { ["1.2"] = 2, ["0"] = 0, ["99999999999999999999"] = 365 * 86400,
      ["Sun Nov  6 08:49:37 1994"] = 0, ["Sunday, 06-Nov-94 08:49:37 GMT"] = 0 } do
      _, err = http.get(url "/busy-for", { query = { value = value }, expect = "2xx", retries = 0 })
      expect(err.retry_after).is(seconds)
    end
    for _, value in ipairs { "soon", "-1", "1e9", "Sun, 99 Nov 1994 08:49:37 GMT", "7 seconds" } do
      _, err = http.get(url "/busy-for", { query = { value = value }, expect = "2xx", retries = 0 })
      expect(err.retry_after).is_nil()
    end
    _, err = http.get(url "/busy-until", { expect = "2xx", retries = 0 })
    local date = require "tidelock.http.status".date
    expect(date "Sun, 06 Nov 1994 08:49:37 GMT").is(784111777)
    expect(date "Thu, 29 Feb 2024 00:00:00 GMT").is(1709164800)
    expect(date "yesterday").is_nil()
    expect(err.retry_after).is(365 * 86400) -- a year at most, as for seconds
  end)
end)

test.describe("http misuse", function()
  local function raises(name, options, part)
    test.it(name .. " raises, with the place of the call", function()
      expect(function() http.get("http://127.0.0.1:1/", options) end).raises(part)
      expect(function() http.get("http://127.0.0.1:1/", options) end).raises "http_test"
    end)
  end
  raises("an unknown option", { tiemout = 1 }, "no option 'tiemout'")
  raises("a table as body", { body = {} }, "json = {...}")
  raises("body and json together", { body = "", json = 1 }, "exclude")
  raises("body and form together", { body = "", form = {} }, "exclude")
  raises("a form and json together", { form = {}, json = 1 }, "form and json exclude")
  raises("a form and parts together", { form = {}, multipart = {} }, "form and multipart exclude")
  raises("a form that is text", { form = "a=1" }, "form must be a table")
  raises("a form of tables", { form = { a = { b = 1 } } }, "form's a")
  raises("a form of a list", { form = { "a" } }, "form is named by strings")
  raises("parts by name", { multipart = { a = "1" } }, "list of parts")
  raises("a part that is text", { multipart = { "a" } }, "part 1")
  raises("a part without a name", { multipart = { { body = "" } } }, "part 1 of multipart needs a name")
  raises("a part with a body and a file", { multipart = { { name = "a", body = "", file = "x" } } },
    "in its place")
  raises("a part without a body", { multipart = { { name = "a", body = "" }, { name = "b" } } }, "part 2")
  raises("a part with another field", { multipart = { { name = "a", body = "", value = 1 } } }, "'value'")
  raises("a part whose type would add a header",
    { multipart = { { name = "a", body = "", type = "a/b\r\nX: 1" } } }, "control character")
  raises("a part whose body is a table", { multipart = { { name = "a", body = {} } } }, "body of part 1")
  raises("a timeout of 0", { timeout = 0 }, "above 0")
  raises("a timeout of NaN", { timeout = 0 / 0 }, "above 0")
  raises("a fraction of a redirect", { redirects = 1.5 }, "redirects")
  raises("an expectation that cannot be", { expect = "ok" }, "expect")
  raises("a header that is a table of tables", { headers = { a = { {} } } }, "header a")
  raises("a header given twice", { headers = { a = "1", A = "2" } }, "twice")
  raises("a query of tables", { query = { a = { {} } } }, "query's a")
  raises("a query of a table with names", { query = { a = { b = 1 } } }, "query's a")
  raises("a query of a list with a hole", { query = { a = { [2] = 1 } } }, "query's a")
  raises("a query of infinity", { query = { a = 1 / 0 } }, "finite")
  raises("a query of no number", { query = { a = { 0 / 0 } } }, "finite")
  raises("a query of a function", { query = { a = print } }, "query's a")
  raises("a header of a table with names", { headers = { a = { b = "1" } } }, "header a")
  raises("a header of no number", { headers = { a = 0 / 0 } }, "header a")
  raises("a second url", { url = "http://127.0.0.1:2/" }, "no option 'url'")
  raises("options that are none", 5, "table of options")

  test.it("a url that is none raises", function()
    expect(function() http.get() end).raises "needs a url"
    expect(function() http.request {} end).raises "needs a url"
    expect(function() http.request {} end).raises "http_test"
    expect(function() http.get {} end).raises "url must be a string"
  end)
end)

test.describe("an http client", function()
  local function client(options)
    options.base_url = options.base_url or url "/"
    return http.client(options)
  end

  test.it("joins relative URLs to its base", function()
    local join = require "tidelock.http.url".join
    for _, case in ipairs {
      { "http://h/api", "/x", "http://h/api/x" },
      { "http://h/api/", "x?a=1", "http://h/api/x?a=1" },
      { "http://h", "", "http://h" }, { "http://h/a", "?b", "http://h/a?b" },
      { "http://h/a", "//evil/x", "http://h/a/evil/x" },
      { "unix:/x.sock", "/a", "unix:/x.sock:/a" }, { "unix:/x.sock", "a?b=1", "unix:/x.sock:/a?b=1" },
      { "unix:/x.sock:/api", "a", "unix:/x.sock:/api/a" }, { "unix:/x.sock", "", "unix:/x.sock" },
      { "unix:/x.sock", "?b=1", "unix:/x.sock:/?b=1" }, { "UNIX:/x.sock", "a", "UNIX:/x.sock:/a" },
    } do
      local joined, at_home = join(case[1], case[2])
      expect(joined).is(case[3])
      expect(at_home).is(true)
    end
    local api = client {}
    expect(api:get "/echo?x=1":json().query).is "x=1"
    expect(api:post("echo", { json = 1 }):json().body).is "1"
    expect(api:request { url = "echo", method = "PUT" }:json().method).is "PUT"
  end)

  test.it("has defaults that a request can override", function()
    local api = client {
      headers = { Authorization = "Bearer t", ["X-A"] = "1" }, query = { v = 2 }, expect = "2xx",
    }
    local said = api:get("/echo", { headers = { ["x-a"] = "2" }, query = { w = 3 } }):json()
    expect(said.headers.authorization).is "Bearer t"
    expect(said.headers["x-a"]).is "2"
    expect(said.query).is "v=2&w=3"
    said = api:get("/echo", { headers = { authorization = false } }):json()
    expect(said.headers.authorization).is_nil()
    local _, err = api:get "/status/500"
    expect(err.code).is "HTTP"
    expect(api:get("/status/500", { expect = false }).status).is(500)
    _, err = client { timeout = 0.05 }:get "/stall"
    expect(err.code).is "TIMEOUT"
  end)

  test.it("keeps its headers and query from other origins", function()
    local api = http.client {
      base_url = "http://127.0.0.1:1/", headers = { Authorization = "Bearer t" },
      query = { key = "t" },
    }
    local said = api:get(url "/echo"):json()
    expect(said.headers.authorization).is_nil()
    expect(said.query).is ""
    local join = require "tidelock.http.url".join
    local function at_home(base, other) return select(2, join(base, other)) end
    expect(at_home("https://h", "https://H:443/x")).is(true)
    expect(at_home("https://h", "http://h/x")).is(false)
    expect(at_home("https://h", "unix:/x.sock:/x")).is(false)
    expect(at_home("unix:/x.sock:/a", "unix:/x.sock:/b")).is(true)
    expect(at_home("unix:/x.sock", "unix:/y.sock:/b")).is(false)
    expect(join("https://h", "unix:/x.sock:/x")).is "unix:/x.sock:/x"
    expect(at_home("https://h", "https://h@evil/x")).is(false)
    expect(at_home("https://h", "https://h\\@evil/x")).is(false)
    expect(at_home("https://h", "https://h.evil/x")).is(false)
  end)

  test.it("misuse raises", function()
    expect(function() http.client { base = "x" } end).raises "no option 'base'"
    expect(function() http.client { base = "x" } end).raises "http_test"
    expect(function() http.client { json = {} } end).raises "no option 'json'"
    expect(function() client {}.get "/echo" end).raises "colon"
    expect(function() client {}.get "/echo" end).raises "http_test"
  end)
end)

local waited, why = pcall(http.get, "http://127.0.0.1:1/")

test.it("http: a request is refused while the script loads", function()
  expect(waited).is(false)
  expect(why).contains "while it loads"
end)
