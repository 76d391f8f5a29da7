-- Run by http_test.sh, which starts the servers.
local test = require "tidelock.test"
local env = require "tidelock.env"
local http = require "tidelock.http"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local expect = test.expect

local home, other = env.get "HOME_URL", env.get "OTHER_URL"
local ca = env.get "CA"

local function fails(url, options, code)
  local res, err = http.get(url, options)
  expect(res).is_nil()
  expect(err.code).is(code)
  return err
end

test.describe("http over a plain connection", function()
  test.it("keeps connections and uses them again", function()
    local before = http.get(home .. "/tell"):json().connections
    for _ = 1, 20 do
      expect(http.get(home .. "/tell"):json().connections).is(before)
    end
  end)

  test.it("unpacks gzip and deflate", function()
    expect(http.get(home .. "/gzip").body).is(("packed "):rep(1000))
    expect(http.get(home .. "/deflate").body).is(("packed "):rep(1000))
    expect(fails(home .. "/gzip", { max_body = 6999 }, "TOO_LARGE").sent).is "yes"
    fails(home .. "/broken-gzip", nil, "DECODE")
  end)

  test.it("reads chunks; trailers are no headers", function()
    local res = http.get(home .. "/chunked")
    expect(res.body).is "hello world"
    expect(res.headers["x-trailer"]).is_nil()
  end)

  test.it("tells what broke, and whether the server saw it", function()
    expect(fails(home .. "/reset", nil, "RESET").sent).is "unknown"
    expect(fails(home .. "/cut", nil, "RESET").sent).is "yes"
    fails(home .. "/garbage", nil, "DECODE")
    local err = fails("http://does-not-exist.invalid/", nil, "DNS")
    expect(err.sent).is "no"
    err = fails("http://127.0.0.1:1/", nil, "CONNECT")
    expect(err.sent).is "no"
    err = fails(home .. "/held", { timeout = 0.1 }, "TIMEOUT")
    expect(err.phase).is "response"
    expect(err.sent).is "unknown"
  end)

  test.it("an endless body ends at max_body, and lets the server go", function()
    expect(fails(home .. "/endless", { max_body = 1 << 20 }, "TOO_LARGE").sent).is "yes"
    expect(http.get(home .. "/gone").body).is "yes"
  end)

  test.it("a cancelled request lets the server go", function()
    local value, err = task.with_timeout(0.1, function() return http.get(home .. "/held") end)
    expect(value).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(http.get(home .. "/gone").body).is "yes"
  end)

  test.it("cancelling many at once leaves the others", function()
    local tasks, ended = {}, 0
    for i = 1, 64 do
      local path = i % 2 == 0 and "/held" or "/tell"
      tasks[i] = task.spawn(function()
        local res = http.get(home .. path)
        ended = ended + (res and res.status == 200 and 1 or 0)
      end)
    end
    test.wait_for(function() return ended == 32 end)
    for _, each in ipairs(tasks) do each:cancel() end
    expect(ended).is(32)
  end)
end)

test.describe("http redirects", function()
  local secret = { Authorization = "Bearer t", Cookie = "c=1", ["X-Api-Key"] = "k", ["X-Plain"] = "p" }

  test.it("keep credentials at home", function()
    local seen = http.get(home .. "/at-home", { headers = secret }):json()
    expect(seen.path).is "/tell"
    expect(seen.headers.authorization).is "Bearer t"
    expect(seen.headers.cookie).is "c=1"
  end)

  test.it("drop credentials on the way elsewhere", function()
    local res = http.get(home:gsub("//", "//me:secret@") .. "/elsewhere", { headers = secret })
    local seen = res:json()
    expect(res.url).is(other .. "/tell")
    expect(seen.headers.authorization).is_nil()
    expect(seen.headers.cookie).is_nil()
    expect(seen.headers["x-api-key"]).is_nil()
    expect(seen.headers["x-plain"]).is "p"
  end)

  test.it("credentials of the URL are sent at home, and shown nowhere", function()
    local with = home:gsub("//", "//me:secret@")
    local res = http.get(with .. "/tell")
    expect(res:json().headers.authorization).is("Basic " .. env.get "BASIC")
    expect(res.url:find "secret").is_nil()
    local err = fails(with .. "/reset", nil, "RESET")
    expect(tostring(err):find "secret").is_nil()
  end)

  test.it("keep method and body where the status says so", function()
    local seen = http.post(home .. "/at-home", { json = { a = 1 } }):json()
    expect(seen.method).is "POST"
    expect(seen.body).is '{"a":1}'
    seen = http.post(home .. "/elsewhere", { json = { a = 1 } }):json()
    expect(seen.method).is "GET"
    expect(seen.body).is ""
    expect(seen.headers["content-type"]).is_nil()
  end)

  test.it("end, in circles and nowhere", function()
    expect(fails(home .. "/loop", nil, "HTTP").message).contains "too many redirects"
    fails(home .. "/nowhere", nil, "URL")
    expect(http.get(home .. "/loop", { redirects = 0 }).status).is(302)
  end)
end)

test.describe("http over TLS", function()
  local good, wrong, expired = env.get "TLS_GOOD", env.get "TLS_WRONG", env.get "TLS_EXPIRED"

  test.it("trusts the CA it is given", function()
    local res = http.get(good .. "/tell", { ca = ca })
    expect(res.status).is(200)
    expect(res:json().path).is "/tell"
  end)

  test.it("refuses an unknown CA, another name, an old certificate", function()
    for url, options in pairs { [good] = {}, [wrong] = { ca = ca }, [expired] = { ca = ca } } do
      local err = fails(url .. "/tell", options, "TLS")
      expect(err.sent).is "no"
      expect(err.recoverable).is(false)
    end
  end)

  test.it("one request's trust is not another's", function()
    expect(http.get(good .. "/tell", { ca = ca }).status).is(200)
    fails(good .. "/tell", nil, "TLS")
    expect(http.get(good .. "/tell", { insecure = true }).status).is(200)
    fails(good .. "/tell", nil, "TLS")
  end)

  test.it("insecure takes anything", function()
    for _, url in ipairs { good, wrong, expired } do
      expect(http.get(url .. "/tell", { insecure = true }).status).is(200)
    end
  end)

  test.it("a CA file that is not there is an error", function()
    local res, err = http.get(good .. "/tell", { ca = "/does/not/exist.pem" })
    expect(res).is_nil()
    expect(err.sent).is "no"
  end)

  test.it("a handshake that stalls is a TIMEOUT of its phase", function()
    local start = timer.now()
    local err = fails(env.get "TLS_STALLED", { ca = ca, connect_timeout = 0.2 }, "TIMEOUT")
    expect(err.phase).is "tls"
    expect(err.sent).is "no"
    expect(timer.now() - start < 5).is(true)
  end)

  test.it("plain text where TLS was expected is an error of TLS", function()
    fails(home:gsub("http:", "https:") .. "/tell", nil, "TLS")
  end)
end)

test.describe("http through a proxy", function()
  local proxy = env.get "PROXY_URL"

  test.it("asks the proxy for the whole URL", function()
    local res = http.get("http://far.invalid/x?y=1", { proxy = proxy })
    expect(res.body).is "http://far.invalid/x?y=1"
    expect(res.headers.via).is "1.1 test"
  end)

  test.it("a proxy that cannot be had is an error", function()
    fails("http://far.invalid/", { proxy = "http://127.0.0.1:1" }, "PROXY")
  end)

  test.it("\"\" is none", function()
    expect(http.get(home .. "/tell", { proxy = "" }):json().path).is "/tell"
  end)
end)
