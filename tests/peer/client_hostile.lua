-- Polling servers that go wrong, and upgrades that fail: run by hostile_test.sh.
local env = require "tidelock.env"
local http = require "tidelock.http"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local URL = env.get "WS_URL"
local count, open = 0, nil

local function connect(query, more)
  count = count + 1
  local options = { url = URL, query = query, transports = { "polling" }, reconnect = false,
    auto_connect = false, max_message = 50000 }
  for key, value in pairs(more or {}) do options[key] = value end
  local s, last, ticks = socket.connect("h" .. count, options), {}, {}
  s:on_state(function(state, info) last.state, last.info = state, info end)
  s:on("tick", function(i) ticks[#ticks + 1] = i end)
  s:connect()
  open = s
  return s, last, ticks
end

test.after_each(function()
  if open then open:disconnect() end
  open = nil
end)

local function ends(query, code, reason, more)
  local s, last = connect(query, more)
  if query.post then
    wait_for(function() return s.connected end)
    s:emit("anything", 1)
  end
  wait_for(function() return last.state == "closed" end)
  expect(last.info.error.code, query.open or query.poll or query.post).is(code)
  if reason then expect(last.info.reason).is(reason) end
  return last.info.error
end

local function seen() return http.get(URL .. "/seen"):json() end

test.describe("an event that cannot be read", function()
  test.it("costs that event alone: no handler hears it, one that waits for the first still waits", function()
    local s = connect {}
    local all, once, serial, any = {}, {}, {}, {}
    s:on("odd", function(x) all[#all + 1] = x end)
    s:once("odd", function(x) once[#once + 1] = x end)
    s:on("odd", function(x) serial[#serial + 1] = x end, { serial = true })
    s:on_any(function(name, x) if name == "odd" then any[#any + 1] = x end end)
    wait_for(function() return s.connected end)
    for _, packet in ipairs {
      '42["odd",{]', '42["odd",1', '42["odd",01]', '42["odd"] x', '42["od\\d",1]', -- not JSON
      '42["\\u006fdd",2]', '42["odd",3]', '42["odd",4]',
    } do s:emit("say", packet) end
    wait_for(function() return #serial == 3 end)
    for _, heard in ipairs { all, serial, any } do expect(table.concat(heard, " ")).is "2 3 4" end
    expect(table.concat(once, " ")).is "2"
    expect(s.connected).is(true)
  end)
end)

test.describe("a polling server", function()
  test.it("that does not open a session is told by its status and the start of its body", function()
    expect(ends({ open = "400" }, "HTTP", "connect error").detail).matches "Session ID unknown"
    expect(ends({ open = "502" }, "HTTP").detail).matches "bad gateway"
    local away = ends({ open = "302" }, "HTTP")
    expect(away.detail).matches "302"
    expect(away.message).matches "redirects.*to /elsewhere"
    expect(ends({ open = "html" }, "HTTP").detail).matches "log in first"
    for _, what in ipairs { "204", "413", "empty" } do ends({ open = what }, "HTTP") end
    ends({ open = "json" }, "PROTOCOL", "parse error")
    ends({ open = "reset" }, "RESET", "connect error")
    ends({ open = "large" }, "TOO_LARGE")
    ends({ open = "hang" }, "TIMEOUT", nil, { timeout = 0.1 })
  end)

  test.it("cannot send requests on to a socket in the file system", function()
    expect(ends({ open = "307" }, "HTTP").detail).matches "307"
    ends({ poll = "307" }, "HTTP")
    ends({ post = "307" }, "HTTP")
    expect(seen().unix).is(0)
  end)

  test.it("that breaks the protocol later is left", function()
    for _, what in ipairs { "garbage", "base64", "empty" } do
      ends({ poll = what }, "PROTOCOL", "parse error")
    end
    ends({ poll = "close" }, "CLOSED")
    ends({ poll = "400" }, "HTTP")
    ends({ poll = "502" }, "HTTP")
    expect(ends({ poll = "large" }, "TOO_LARGE", "parse error").detail).matches "50000 bytes"
  end)

  test.it("may compress its answers; one that ends early costs the session", function()
    local _, last, ticks = connect { poll = "gzip" }
    wait_for(function() return last.state == "closed" end)
    expect(last.info.error.code).is "CLOSED"
    expect(ticks[#ticks]).is(1000)
    for _, what in ipairs { "gzip_cut", "gzip_short", "gzip_none", "deflate_cut" } do
      ends({ poll = what }, "DECODE", "connect error")
      ends({ open = what }, "DECODE", "connect error")
    end
  end)

  test.it("that breaks the rules of HTTP is left; what it packs in parts is unpacked", function()
    ends({ poll = "lengths" }, "PROTOCOL")
    ends({ poll = "chunks" }, "PROTOCOL")
    local s = connect { poll = "members" }
    local heard
    s:on("packed", function(n) heard = n end)
    wait_for(function() return heard == 7 end)
  end)

  test.it("may say much at once, where each message is small enough", function()
    local s = connect {}
    local heard = 0
    s:on("burst", function(text) heard = heard + #text end)
    wait_for(function() return s.connected end)
    s:emit("burst", 20)
    wait_for(function() return heard == 600000 end)
    expect(s.connected).is(true)
  end)

  test.it("that does not take what is sent ends the session", function()
    expect(ends({ post = "413" }, "HTTP", "transport error").detail).matches "413"
    ends({ post = "400" }, "HTTP")
    ends({ post = "reset" }, "RESET")
    ends({ post = "hang" }, "TIMEOUT", "transport error", { request_timeout = 0.1 })
  end)

  test.it("is never asked twice at once, and gets packets together", function()
    local s, _, ticks = connect {}
    wait_for(function() return s.connected end)
    local calls = {}
    for i = 1, 100 do calls[i] = function() return s:call("echo", i) end end
    local replies = assert(task.all(calls))
    for i = 1, 100 do expect(replies[i]).is(i) end
    wait_for(function() return #ticks == 200 end)
    for i = 1, 200 do expect(ticks[i]).is(i) end
    expect(seen().gets).is(1)
    expect(seen().posts).is(1)
  end)

  test.it("is not sent more than it takes", function()
    local s = connect {}
    wait_for(function() return s.connected end)
    local ok, err = s:emit("echo", ("x"):rep(2000))
    expect(ok).is(nil)
    expect(err.code).is "TOO_LARGE"
  end)
end)

test.describe("an upgrade", function()
  local function goes_on(ws, transport)
    local s, _, ticks = connect({ ws = ws }, { transports = { "polling", "websocket" } })
    wait_for(function() return s.connected end)
    for i = 1, 30 do expect(s:call("echo", i)).is(i) end
    wait_for(function() return #ticks == 200 end)
    for i = 1, 200 do expect(ticks[i]).is(i) end
    expect(s.transport).is(transport)
  end

  test.it("that works loses nothing and doubles nothing", function() goes_on("good", "websocket") end)

  test.it("that fails leaves the session on polling", function()
    for _, ws in ipairs { "silent", "wrong", "close", "refuse" } do goes_on(ws, "polling") end
  end)
end)

test.describe("the transports", function()
  local both = { transports = { "websocket", "polling" } }

  test.it("are tried one after the other", function()
    local s = connect({}, both)
    wait_for(function() return s.connected end)
    expect(s.transport).is "polling"
  end)

  test.it("are not, when told so", function()
    local _, last = connect({}, { transports = both.transports, try_all_transports = false })
    wait_for(function() return last.state == "closed" end)
    expect(last.info.error.code).is "HANDSHAKE"
    expect(last.info.error.detail).matches "403"
  end)

  test.it("are not, where the server cannot be reached; that says whose, where, why, what next", function()
    local url = "http://me:secret@127.0.0.1:1/?token=1"
    local _, last = connect({}, { url = url, transports = both.transports })
    wait_for(function() return last.state == "closed" end)
    expect(last.info.error.code).is "CONNECT"
    local words = "^h%d+: cannot connect to http://127.0.0.1:1/: CONNECT: .+; not tried again"
    expect(last.info.message).matches(words)
  end)
end)
