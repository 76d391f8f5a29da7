-- Sticky sessions, and the options that make a request's target: run by sticky_test.sh against
-- sticky_server.js.
local env = require "tidelock.env"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local count, open = 0, nil
local function connected(more)
  count = count + 1
  local options = { url = env.get "WS_URL", path = "/live", auto_connect = false,
    transports = { "polling", "websocket" }, reconnect = { delay = 0.01, max_delay = 0.02 } }
  for key, value in pairs(more) do options[key] = value end
  open = socket.connect("s" .. count, options)
  open:connect()
  wait_for(function() return open.connected end)
  return open
end
test.after_each(function()
  if open then open:disconnect() end
  open = nil
end)

test.describe("behind a balancer that goes by a cookie", function()
  test.it("polling stays with its server, over reconnections too", function()
    local s = connected { transports = { "polling" } }
    local first = s:call("whoami").server
    for _ = 1, 3 do
      local id = s.id
      s:emit "drop"
      wait_for(function() return s.connected and s.id ~= id end)
      expect(s:call("whoami").server).is(first)
    end
  end)

  test.it("the upgrade goes to the same server", function()
    for _ = 1, 5 do
      local s = connected {}
      local first = s:call("whoami").server
      wait_for(function() return s.transport == "websocket" end)
      expect(s:call("whoami").server).is(first)
      expect(s:call("whoami").transport).is "websocket"
      s:disconnect()
    end
  end)

  test.it("an upgrade that worked is remembered, when told so", function()
    local s = connected { remember_upgrade = true }
    wait_for(function() return s.transport == "websocket" end)
    local id = s.id
    s:emit "drop"
    wait_for(function() return s.connected and s.id ~= id end)
    expect(s:call("whoami").query.transport).is "websocket"
  end)
end)

test.describe("the cookies of a script and of its server", function()
  test.it("go out as one header", function()
    local s = connected { transports = { "polling" }, headers = { Cookie = "mine=1; also=2" } }
    local id = s.id
    s:emit "drop" -- the next session's first request has both
    wait_for(function() return s.connected and s.id ~= id end)
    local headers = s:call("whoami").headers
    expect(headers["x-cookie-lines"]).is "1"
    expect(headers.cookie).matches "^mine=1; also=2; route=%d$"
  end)
end)

test.describe("a namespace", function()
  test.it("is what stands in the URL, beyond ASCII too", function()
    for _, name in ipairs { "/größe", "/聊天", "/{a}|b", "/with spaces" } do
      if not name:find " " then
        local s = connected { url = env.get "WS_URL" .. name .. "?x=1", transports = { "websocket" } }
        expect(s:call "where").is(name)
        s:disconnect()
      end
      local s = connected { namespace = name, transports = { "polling" } }
      expect(s:call "where").is(name)
      s:disconnect()
    end
  end)
end)

test.describe("the target of a request", function()
  test.it("has numbers as people write them", function()
    local s = connected { query = { a = 10 / 2, b = 2^53, c = 0.25, d = -1.0, e = 1 / 3 } }
    local query = s:call("whoami").query
    expect(table.concat({ query.a, query.b, query.c, query.d, query.e }, " "))
      .is "5 9007199254740992 0.25 -1 0.3333333333333333"
  end)

  test.it("has the query that was given", function()
    local s = connected { query = { room = "a b&c", n = 1 } }
    local query = s:call("whoami").query
    expect(query.room).is "a b&c"
    expect(query.n).is "1"
  end)

  test.it("has its path as given, without a slash behind it", function()
    local s = connected { add_trailing_slash = false }
    expect(s:call("whoami").url).matches "^/live%?"
    s:disconnect()
    expect(connected({}):call("whoami").url).matches "^/live/%?"
  end)
end)
