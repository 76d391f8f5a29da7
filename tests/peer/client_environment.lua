-- The environment's proxies: run by route_test.sh, each time in another environment, against
-- route_servers.js.
local env = require "tidelock.env"
local http = require "tidelock.http"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local case = env.get "CASE"
local plain = "http://127.0.0.1:" .. env.get "PLAIN"
local secure = "https://localhost:" .. env.get "SECURE"
local ca = env.get "FOLDER" .. "/ca.pem"
local count = 0

-- How often the proxies were asked; asked for without one.
local function seen() return http.get(plain .. "/seen", { proxy = "" }):json() end

-- Goes there by a request and by both transports; gives the error, if there was one.
local function go(url, proxy)
  local res, err = http.get(url .. "/tell", { ca = ca, proxy = proxy })
  if res then expect(res.status).is(200) end
  for _, transport in ipairs { "websocket", "polling" } do
    count = count + 1
    local s = socket.connect("e" .. count, { url = url, ca = ca, proxy = proxy, transports = { transport },
      reconnect = false, auto_connect = false })
    local last
    s:on_state(function(_, info) last = info end)
    s:connect()
    wait_for(function() return s.connected or s.state == "closed" end)
    expect(s.connected).is(res ~= nil)
    if err then
      wait_for(function() return last and last.error end)
      expect(last.error.code).is(err.code)
    end
    s:disconnect()
  end
  return err
end

local function asked(name, proxy)
  local before = seen()[name]
  for _, url in ipairs { plain, secure } do expect(go(url, proxy)).is_nil() end
  return seen()[name] - before
end

test.describe("the environment's proxy", function()
  test.it("is " .. case, function()
    if case == "proxied" then
      expect(asked "proxied" >= 6).is(true) -- three ways to two servers
      expect(asked("proxied", "")).is(0)
    elseif case == "socks" then
      expect(asked "socks" >= 6).is(true)
    elseif case == "direct" then
      expect(asked "proxied").is(0)
    else
      for _, url in ipairs { plain, secure } do expect(go(url).code).is "PROXY" end
    end
  end)
end)
