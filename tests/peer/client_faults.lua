-- HTTP servers that break the rules: run by faults_test.sh against faults_server.js, three ways:
-- our own HTTP/1.1 over TCP and over TLS, and curl's, which `http2` asks for.
local env = require "tidelock.env"
local http = require "tidelock.http"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect = test.expect

local ways = {
  tcp = { base = "http://127.0.0.1:" .. env.get "PLAIN" },
  tls = { base = "https://localhost:" .. env.get "TLS", ca = env.get "FOLDER" .. "/ca.pem" },
  curl = { base = "https://localhost:" .. env.get "TLS", ca = env.get "FOLDER" .. "/ca.pem", http2 = true },
}
-- What holds for our own HTTP alone. curl's own keeps no connection (docs/http.md), so that nothing
-- there is about a kept one; it reads an answer no earlier than its request is out, takes a
-- connection that breaks off for one that ended, and a chunk's size up to what is no digit.
local own_alone = { kept = true, ["early:"] = true, ["torn:"] = true, ["chunk-minus"] = true, ["chunk-empty"] = true }

ways.tcp.other = ways.tcp.base:gsub("127.0.0.1", "localhost")
ways.tls.other = ways.tls.base:gsub("localhost", "127.0.0.1")
ways.curl.other = ways.tls.other

local way
local function ask(path, more)
  -- One exchange each: what becomes of an answer, not of a call.
  local options = { url = way.base .. path, ca = way.ca, http2 = way.http2, timeout = 10, retries = 0,
    breaker = false }
  for name, value in pairs(more or {}) do options[name] = value end
  return http.request(options)
end

local function body(path, more)
  local res, err = ask(path, more)
  if not res then error(tostring(err), 2) end
  return res.body, res
end

local function tell(more) return assert(ask("/tell", more)):json() end

local function fails(path, code, more)
  local res, err = ask(path, more)
  expect(res, path).is_nil()
  expect(err.code, path).is(code)
  expect(err.sent, path).is "yes"
  return err
end

local function about(what, fn)
  for _, name in ipairs { "tcp", "tls", "curl" } do
    if name ~= "curl" or not own_alone[what:match "^%S+"] then
      test.it(name .. ": " .. what, function()
        way = ways[name]
        fn()
      end)
    end
  end
end

test.describe("bytes that nobody asked for", function()
  about("an answer that goes wrong never reaches another request", function()
    local function is_well(path)
      for _ = 1, 3 do
        local told = body "/tell"
        if not told:find('"method":"GET"', 1, true) then error(path .. ": " .. told) end
      end
      expect(body "/ok", path).is "ok"
    end
    for _, path in ipairs { "/behind-204", "/behind-304", "/behind-205", "/behind-length", "/behind-chunks" } do
      expect(assert(ask(path)).body ~= "evil", path).is(true)
      is_well(path)
    end
    -- Asked over a connection of another kind, so that the one in question is left alone.
    local function late() return assert(http.get(way.other .. "/tell", { ca = way.ca })):json().late end
    for _, path in ipairs { "/behind-later", "/idle-408", "/idle-end" } do
      local before = late()
      expect(body(path)).is "ok"
      test.wait_for(function() return late() > before end)
      is_well(path)
    end
    for _ = 1, 3 do
      for _, method in ipairs { "GET", "POST" } do
        expect(body "/cross-408").is "ok"
        local res = assert(ask("/tell", { method = method }))
        expect(res.status == 408 or res:json().method == method, method).is(true)
        is_well("a " .. method .. " behind /cross-408")
      end
    end
    for _ = 1, 3 do
      expect(assert(ask("/behind-head", { method = "HEAD" })).body).is ""
      expect(tell().method).is "GET"
    end
  end)

  about("kept connections are used again when they are quiet", function()
    local first = tell().connection
    for _ = 1, 5 do expect(tell().connection).is(first) end
    assert(ask "/behind-204")
    expect(tell().connection ~= first).is(true)
  end)
end)

test.describe("kept", function()
  about("kept connections that end take an idempotent request with them only once", function()
    for _, method in ipairs { "GET", "HEAD", "PUT", "DELETE", "OPTIONS" } do
      assert(ask "/ok")
      local before = tell().paths["/die"] or 0
      local res = assert(ask("/die", { method = method }))
      expect(res.status, method).is(200)
      expect(tell().paths["/die"] - before, method).is(2)
    end
    for _, method in ipairs { "POST", "PATCH", "LOCK" } do
      assert(ask "/ok")
      local before = tell().paths["/die"]
      local res, err = ask("/die", { method = method })
      expect(res, method).is_nil()
      expect(err.code, method).is "RESET"
      expect(err.sent, method).is "unknown"
      expect(tell().paths["/die"] - before, method).is(1)
    end
  end)

  about("kept for long they serve no request that may not be repeated", function()
    local first = tell().connection
    expect(tell({ method = "POST", body = "x" }).connection).is(first)
    task.sleep(2.1)
    local second = tell({ method = "POST", body = "x" }).connection
    expect(second ~= first).is(true)
    task.sleep(2.1)
    expect(({ [first] = true, [second] = true })[tell().connection]).is(true)
  end)

  about("kept ones belong to how they were made", function()
    local first = tell().connection
    local options = way.ca and { ca = way.ca, insecure = true } or { proxy = "", headers = { Connection = "close" } }
    if way.ca then expect(tell(options).connection ~= first).is(true) end
    expect(tell().connection).is(first)
    if not way.ca then tell(options) expect(tell().connection ~= first).is(true) end
  end)
end)

test.describe("lines and lengths", function()
  about("folded lines are joined, trailers are no headers", function()
    local text, res = body "/folded"
    expect(text).is "ok"
    expect(res.headers.a).is "b c X-Evil: 1"
    expect(res.headers["x-evil"]).is_nil()
    for _, path in ipairs { "/trailers", "/empty-trailers" } do
      text, res = body(path)
      expect(text).is(path == "/trailers" and "ok" or "")
      expect(res.headers["x-evil"]).is_nil()
      expect(res.headers["set-cookie"]).is_nil()
    end
  end)

  about("lengths that contradict each other, or are none, are PROTOCOL", function()
    expect(body "/length-same").is "ok"
    for _, path in ipairs { "/length-other", "/length-list", "/length-plus", "/length-minus", "/length-word" } do
      fails(path, "PROTOCOL")
      expect(body "/ok").is "ok"
    end
  end)

  about("a chunk's size that is none is PROTOCOL", function()
    for _, path in ipairs { "/chunk-word", "/chunk-long" } do fails(path, "PROTOCOL") end
  end)
  about("chunk-minus is PROTOCOL", function() fails("/chunk-minus", "PROTOCOL") end)
  about("chunk-empty is PROTOCOL", function() fails("/chunk-empty", "PROTOCOL") end)

  about("interim answers are passed over, up to 100; nobody switches protocols", function()
    expect(body "/interim?n=100").is "ok"
    fails("/interim?n=101", "PROTOCOL")
    fails("/switch", "PROTOCOL")
  end)

  about("a head may be large, and has its limit", function()
    expect(body "/huge?kb=60").is "ok"
    expect(body "/huge?kb=200").is "ok"
    fails("/huge?kb=300", "TOO_LARGE")
    expect(body "/many?n=1500").is "ok"
    fails("/many?n=2500", "TOO_LARGE")
  end)
end)

test.describe("codings", function()
  about("are undone: members, padding, both forms of deflate, several", function()
    for _, path in ipairs { "/gzip", "/members", "/zeros", "/deflate", "/raw-deflate", "/twice" } do
      local text, res = body(path)
      expect(text, path).is "hello world"
      expect(res.headers["content-encoding"] ~= nil).is(true)
    end
    expect(body "/no-body").is ""
    expect(tell().headers["accept-encoding"]).is "gzip, deflate"
  end)

  about("that are not known leave the body as it is; so does decompress = false", function()
    for _, path in ipairs { "/unknown", "/odd" } do expect(body(path)).is "hello world" end
    local text = body("/gzip", { decompress = false })
    expect(text:sub(1, 2)).is "\x1f\x8b"
    expect(tell({ decompress = false }).headers["accept-encoding"]).is_nil()
    expect(body("/short", { decompress = false }):sub(1, 2)).is "\x1f\x8b"
  end)

  about("that end early, or go on with something else, are DECODE", function()
    for _, path in ipairs { "/short", "/shorter", "/short-member", "/short-deflate", "/short-end", "/junk" } do
      fails(path, "DECODE")
    end
  end)

  about("that grow beyond the limit are TOO_LARGE", function()
    fails("/bomb", "TOO_LARGE", { max_body = 1000000 })
    expect(#body("/bomb", { decompress = false }) < 100000).is(true)
    expect(#body("/bomb", { max_body = 30000000 })).is(30000000)
  end)
end)

test.describe("redirects", function()
  about("are followed without a look at their body", function()
    for _, path in ipairs { "/away", "/away-chunks", "/away-endless" } do expect(body(path), path).is "ok" end
    expect(assert(ask("/away", { redirects = 1 })).url).matches "/ok$"
  end)

  about("never lead to a socket in the file system", function()
    for _, code in ipairs { 301, 302, 303, 307, 308 } do
      for _, method in ipairs { "GET", "POST", "PUT", "DELETE" } do
        local err = fails("/away-unix?code=" .. code, "URL", { method = method, body = method ~= "GET" and "x" or nil })
        expect(err.detail).matches "http and https only"
        expect(err.message).matches "/away%-unix redirects to where it cannot be followed"
      end
    end
    expect(tell().unix).is(0)
  end)
end)

test.describe("ends", function()
  about("early: an answer that does not wait for the body ends the sending", function()
    local before = tell()
    local text, res = body("/early", { method = "POST", body = ("x"):rep(20000000) })
    expect(res.status).is(413)
    expect(text).is "big"
    test.wait_for(function() return tell().closed > before.closed end)
    before = tell()
    expect(body("/early-200", { method = "PUT", body = ("x"):rep(20000000) })).is "enough"
    test.wait_for(function() return tell().closed > before.closed end)
    expect(tell({ method = "PUT", body = "y" }).body).is "y"
  end)

  about("a server may answer as it reads", function()
    local sent = ("0123456789abcdef"):rep(500000)
    for _ = 1, 2 do expect(body("/echo", { method = "POST", body = sent }) == sent).is(true) end
    expect(body "/ok").is "ok"
  end)

  about("Expect is not sent", function()
    expect(tell({ method = "POST", body = ("x"):rep(2000000) }).headers.expect).is_nil()
    expect(tell({ method = "PUT", body = "x", headers = { Expect = "100-continue" } }).headers.expect).is_nil()
  end)

  about("a body may end with the connection, where TLS says that it does", function()
    expect(body "/to-end").is "all of it"
  end)
  about("torn: one that ends without a word of TLS is RESET", function()
    if way.ca then fails("/torn-end", "RESET") end
  end)

  about("an answer that is cut is RESET", function()
    for at = 1, 40 do
      local res, err = ask("/cut?at=" .. at)
      expect(res, at).is_nil()
      expect(err.code, at).is "RESET"
      expect(err.phase, at).is "response"
    end
  end)

  about("an answer that comes byte by byte is read; one that stalls is a TIMEOUT", function()
    expect(body "/trickle").is "ok"
    local err = fails("/stall", "TIMEOUT", { timeout = 0.1 })
    expect(err.phase).is "response"
  end)
end)
