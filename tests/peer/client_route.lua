-- How a host is reached and trusted: run by route_test.sh against route_servers.js.
local env = require "tidelock.env"
local http = require "tidelock.http"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local task = require "tidelock.task"

local folder = env.get "FOLDER"
local plain = "http://127.0.0.1:" .. env.get "PLAIN"
local mutual = "https://localhost:" .. env.get "MUTUAL"
local secure = "https://localhost:" .. env.get "SECURE"
local unix = "unix:" .. env.get "SOCKET"
local ca = folder .. "/ca.pem"

local function proxy(login) return ("http://%s127.0.0.1:%s"):format(login or "", env.get "PROXY") end

local function socks(login, scheme)
  return ("%s://%s127.0.0.1:%s"):format(scheme or "socks5h", login or "", env.get "SOCKS")
end

local function seen() return http.get(plain .. "/seen"):json() end

local count = 0
-- Connects; gives the connection and what on_state was told last.
local function connect(options)
  count = count + 1
  options.reconnect, options.auto_connect = false, false
  local chat, last = socket.connect("c" .. count, options), {}
  chat:on_state(function(state, info) last.state, last.info = state, info end)
  chat:connect()
  wait_for(function() return last.state == "connected" or last.state == "closed" end)
  return chat, last
end

-- Through is a request and a connection by the same route; gives who they were.
local function through(url, route)
  local options = {}
  for key, value in pairs(route) do options[key] = value end
  local res = assert(http.get(url .. "/tell", route))
  options.url = url
  local chat, last = connect(options)
  expect(last.state).is "connected"
  local who = assert(chat:call "whoami")
  chat:disconnect()
  return res:json(), who
end

-- The same failure from a request and from a connection.
local function fails(url, route, code, part)
  local res, err = http.get(url .. "/tell", route)
  expect(res).is(nil)
  expect(err.code).is(code)
  expect(tostring(err)).matches(part)
  local options = { url = url }
  for key, value in pairs(route) do options[key] = value end
  if code == "URL" or code == "INVALID" or code == "NOT_FOUND" then -- the script is wrong
    expect(function() connect(options) end).raises(part)
    return
  end
  local _, last = connect(options)
  expect(last.info.error.code).is(code)
  expect(tostring(last.info.error)).matches(part)
end

test.describe("an HTTP proxy", function()
  test.it("is given its credentials, and tunnels connections", function()
    local before = seen().proxied
    through(plain, { proxy = proxy "me:s3cret@" })
    through(secure, { proxy = proxy "me:s3cret@", ca = ca })
    expect(seen().proxied - before).is(4)
  end)

  test.it("is asked for the whole URL of a plain request, without a tunnel", function()
    local before = seen()
    for _ = 1, 3 do
      local res = assert(http.get(plain .. "/tell?a=1", { proxy = proxy "me:s3cret@" }))
      expect(res:json().path).is "/tell?a=1"
      expect(assert(http.get(plain .. "/moved", { proxy = proxy "me:s3cret@" })).url).is(plain .. "/tell")
      assert(http.get(secure .. "/tell", { proxy = proxy "me:s3cret@", ca = ca }))
    end
    local after = seen()
    expect(after.forwarded - before.forwarded).is(9)
    expect(after.proxied - before.proxied <= 12).is(true) -- tunnels are kept
  end)

  test.it("that refuses a plain request is PROXY, too, and it was not sent", function()
    for _, login in ipairs { "me:wrong@", "" } do
      local res, err = http.get(plain .. "/tell", { proxy = proxy(login) })
      expect(res).is_nil()
      expect(err.code).is "PROXY"
      expect(err.phase).is "proxy"
      expect(err.sent).is "no"
      expect(tostring(err)).matches "407"
      expect(tostring(err):find("wrong", 1, true)).is_nil()
    end
  end)

  test.it("that refuses them is told as PROXY with its status", function()
    fails(secure, { proxy = proxy "me:wrong@", ca = ca }, "PROXY", "407")
    fails(secure, { proxy = proxy(), ca = ca }, "PROXY", "407")
  end)

  test.it("that is not there is PROXY, not CONNECT", function()
    fails(plain, { proxy = "http://127.0.0.1:1" }, "PROXY", "port 1")
    fails(plain, { proxy = "http://nowhere.invalid:1" }, "PROXY", "nowhere.invalid")
    fails(secure, { proxy = "socks5h://nowhere.invalid:1" }, "PROXY", "nowhere.invalid")
  end)

  test.it("whose certificate is not trusted is PROXY, not the host's TLS", function()
    for _, url in ipairs { plain, secure } do
      fails(url, { proxy = "https://localhost:" .. env.get "SECURE" }, "PROXY", "certificate")
    end
  end)

  test.it("that cannot reach the host is PROXY with its status", function()
    fails("https://127.0.0.1:1", { proxy = proxy "me:s3cret@" }, "PROXY", "502")
  end)

  test.it("that gives no tunnel still forwards polling", function()
    for _, way in ipairs { "refuse", "cut", "garble", "half", "swallow", "deafen" } do
      local by = ("http://%s:x@127.0.0.1:%s"):format(way, env.get "FORWARDER")
      local chat, last = connect { url = plain, proxy = by, timeout = 4 }
      expect(way .. " " .. last.state).is(way .. " connected")
      expect(chat.transport).is "polling"
      expect(chat:call("whoami").remote).is "127.0.0.1"
      chat:disconnect()
      _, last = connect { url = plain, proxy = by, timeout = 1, transports = { "websocket" } }
      expect(last.state).is "closed"
      _, last = connect { url = plain, proxy = by, timeout = 1, protocol = "websocket" }
      expect(last.state).is "closed"
    end
  end)

  test.it("must be a URL that can be used", function()
    fails(plain, { proxy = "127.0.0.1:3128" }, "URL", "must be a URL")
    fails(plain, { proxy = "gopher://127.0.0.1:70" }, "URL", "socks5")
  end)
end)

test.describe("a SOCKS5 proxy", function()
  test.it("is given its credentials and the host's name", function()
    local before = seen().socks
    through(plain, { proxy = socks "me:s3cret@" })
    through(secure, { proxy = socks("me:s3cret@", "socks5"), ca = ca })
    expect(seen().socks - before).is(4)
  end)

  test.it("that refuses is PROXY", function()
    fails(plain, { proxy = socks "me:wrong@" }, "PROXY", "rejected")
    fails("http://127.0.0.1:1", { proxy = socks "me:s3cret@" }, "PROXY", "SOCKS5")
  end)
end)

test.describe("TLS", function()
  test.it("shows a client certificate, its key open or locked", function()
    local open = { ca = ca, cert = folder .. "/client.pem", key = folder .. "/client.key" }
    local told, who = through(mutual, open)
    expect(told.client).is "client"
    expect(who.client).is "client"
    open.key, open.key_password = folder .. "/locked.key", "moon"
    told, who = through(mutual, open)
    expect(told.client).is "client"
    expect(who.client).is "client"
  end)

  test.it("tells what is wrong with a client certificate", function()
    local cert = folder .. "/same.pem" -- not client.pem, with which a connection may stand
    fails(mutual, { ca = ca }, "TLS", "certificate required")
    fails(mutual, { ca = ca, cert = folder .. "/none.pem" }, "NOT_FOUND", "none.pem")
    fails(mutual, { ca = ca, cert = cert, key = folder .. "/server.key" }, "TLS", "client certificate")
    fails(mutual, { ca = ca, cert = cert, key = folder .. "/locked.key", key_password = "sun" },
      "TLS", "client certificate")
    fails(mutual, { ca = ca, key = folder .. "/client.key" }, "INVALID", "needs its certificate")
  end)

  test.it("takes the pinned public key and no other", function()
    local other = "sha256//" .. ("A"):rep(43) .. "="
    local pin = "sha256//" .. env.get "PIN"
    through(secure, { ca = ca, pin = pin })
    through(secure, { ca = ca, pin = other .. ";" .. pin })
    fails(secure, { ca = ca, pin = other }, "TLS", "pinned")
    fails(secure, { ca = ca, pin = "abc" }, "INVALID", "sha256//")
  end)

  test.it("takes any certificate when told so", function() through(secure, { insecure = true }) end)

  test.it("uses the ciphers that were told, up to TLS 1.2", function()
    local older = "https://localhost:" .. env.get "OLDER"
    for _, name in ipairs { "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305" } do
      local _, who = through(older, { ca = ca, ciphers = name })
      expect(who.cipher).is(name)
    end
    fails(older, { ca = ca, ciphers = "no-such-cipher" }, "TLS", "cipher")
  end)

  test.it("names the certificate's problem", function()
    fails(secure, {}, "TLS", "unable to get local issuer certificate")
    fails(secure, { ca = folder .. "/none.pem" }, "NOT_FOUND", "none.pem")
  end)
end)

test.describe("a socket in the file system", function()
  test.it("is asked by requests and connections", function()
    local res = assert(http.get(unix))
    expect(res:json().path).is "/"
    expect(res:json().host).is "localhost"
    res = assert(http.get(unix .. ":/tell", { query = { a = 1 } }))
    expect(res:json().path).is "/tell?a=1"
    res = assert(http.get(unix .. ":/moved"))
    expect(res:json().path).is "/tell"
    local chat, last = connect { url = unix }
    expect(last.state).is "connected"
    expect(chat:call("whoami").remote).is "unix"
    chat:disconnect()
  end)

  test.it("has clients with a base URL", function()
    local api = http.client { base_url = unix .. ":/api" }
    expect(assert(api:get "/x"):json().path).is "/api/x"
    api = http.client { base_url = unix, query = { v = 2 } }
    expect(assert(api:get "/x"):json().path).is "/x?v=2"
    expect(assert(api:get("x", { query = { a = 10 / 2 } })):json().path).is "/x?a=5&v=2"
    expect(assert(api:get ""):json().path).is "/?v=2"
    expect(assert(http.get(unix, { query = { a = 1 } })):json().path).is "/?a=1"
  end)

  test.it("that is not there is CONNECT, with its path", function()
    local _, err = http.get("unix:" .. folder .. "/none.sock:/x")
    expect(err.code).is "CONNECT"
    expect(err.message).matches "none.sock"
    local _, last = connect { url = "unix:" .. folder .. "/none.sock" }
    expect(last.info.error.code).is "CONNECT"
    expect(last.info.error.message).matches "none.sock"
  end)

  test.it("with a path that is too long is URL", function()
    local _, err = http.get("unix:/" .. ("a"):rep(200))
    expect(err.code).is "URL"
  end)
end)

test.describe("HTTP/2", function()
  local both, only = "https://localhost:" .. env.get "H2", "https://localhost:" .. env.get "H2ONLY"

  local function ask(url, path, more)
    local options = { http2 = true, ca = ca }
    for key, value in pairs(more or {}) do options[key] = value end
    return http.get(url .. path, options)
  end

  test.it("is spoken where it is asked for and the server does", function()
    local res = assert(ask(only, "/tell"))
    expect(res.version).is "2"
    expect(res:json().version).is "2.0"
    expect(ask(both, "/tell").version).is "2"
    expect(http.post(only .. "/tell", { http2 = true, ca = ca, json = { a = 1 } }).status).is(200)
    local client = http.client { base_url = only, http2 = true, ca = ca }
    expect(client:get("/moved").url).matches "/tell"
  end)

  test.it("is not where either side does not: HTTP/1.1 then", function()
    expect(ask(secure, "/tell").version).is "1.1"
    expect(ask(plain, "/tell").version).is "1.1"
    expect(http.get(both .. "/tell", { ca = ca }):json().version).is "1.1"
    local _, err = http.get(only .. "/tell", { ca = ca, timeout = 5 })
    expect(err).is_not(nil)
  end)

  test.it("carries more than 16 KB of headers, both ways", function()
    for _, kb in ipairs { 15, 17, 40 } do
      local headers = { ["X-Told"] = tostring(kb) }
      for i = 1, kb do headers["X-" .. i] = ("y"):rep(1000) end
      local res = assert(ask(only, "/tell", { headers = headers, timeout = 10 }))
      expect(res:json().version).is "2.0"
      expect(#res.headers["x-40"]).is(1000)
    end
  end)

  test.it("gives each of many requests at once its own answer, on a server that ends sessions", function()
    local jobs, wrong = {}, {}
    for i = 1, 200 do
      jobs[i] = function()
        local path = "/" .. i
        local res, err = ask(both, path)
        if not res or res:json().path ~= path then wrong[#wrong + 1] = tostring(err) end
      end
    end
    task.all(jobs)
    expect(table.concat(wrong, "; ")).is ""
  end)
end)
