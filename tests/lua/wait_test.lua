-- chat:wait(seconds), against a server in this script.
local test = require "tidelock.test"
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local expect = test.expect

local web = server.listen("web", { port = 0 })
local io = web:io()
io:use(function(sock)
  if sock.handshake.auth.slow then task.sleep(sock.handshake.auth.slow) end
  if sock.handshake.auth.no then return nil, { message = "not you", data = { code = "NO" } } end
  return true
end)

local count, open = 0, {}
local function declare(more)
  count = count + 1
  local all = { url = web.url, auto_connect = false, multiplex = false }
  all.reconnect = { delay = 0.02, jitter = 0 }
  for key, value in pairs(more or {}) do all[key] = value end
  open[#open + 1] = socket.connect("c" .. count, all)
  return open[#open]
end
test.after_each(function()
  for _, s in ipairs(open) do s:disconnect() end
  open = {}
end)

local function timed(fn)
  local began = timer.now()
  local ok, err = fn()
  return timer.now() - began, ok, err
end

test.describe("wait", function()
  test.it("gives true once connected, and at once from then on", function()
    local s = declare { auth = { slow = 0.1 } }
    s:connect()
    local took, ok = timed(function() return s:wait(5) end)
    expect(ok).is(true)
    expect(s.connected).is(true)
    expect(took >= 0.1 and took < 5).is(true)
    expect((timed(function() return s:wait() end)) < 5).is(true)
    expect(s:wait(0)).is(true)
  end)

  test.it("waits for a connection that somebody else makes later", function()
    local s = declare()
    local woken = {}
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = task.spawn(function()
        local ok = s:wait(5)
        table.insert(woken, { i, ok })
      end)
    end
    task.sleep(0.05)
    expect(#woken).is(0)
    s:connect()
    for _, t in ipairs(tasks) do t:await() end
    expect(woken).equals { { 1, true }, { 2, true }, { 3, true } }
  end)

  test.it("ends with TIMEOUT when nobody connects, and says since when it fails", function()
    local took, ok, err = timed(function() return declare():wait(0.1) end)
    expect(ok).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(took >= 0.1 and took < 15).is(true)
    local s = declare { url = "http://127.0.0.1:1" }
    s:connect()
    ok, err = s:wait(0.2)
    expect(ok).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(err.message).contains "CONNECT"
    ok, err = declare():wait(0)
    expect(ok).is_nil()
    expect(err.code).is "TIMEOUT"
  end)

  test.it("without seconds waits as long as an attempt may take", function()
    local took, ok, err = timed(function() return declare { timeout = 0.15 }:wait() end)
    expect(ok).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(took >= 0.15 and took < 15).is(true)
  end)

  test.it("ends with REJECTED, with what the server said, also when asked later", function()
    local s = declare { auth = { no = true } }
    s:connect()
    local ok, err = s:wait(5)
    expect(ok).is_nil()
    expect(err.code).is "REJECTED"
    expect(err.message).contains "not you"
    expect(err.data).equals { code = "NO" }
    ok, err = s:wait(5)
    expect(ok).is_nil()
    expect(err.code).is "REJECTED"
  end)

  test.it("ends with CLOSED when it is over, by us or for want of attempts", function()
    local s = declare { auth = { slow = 0.3 } }
    s:connect()
    task.spawn(function() task.sleep(0.05) s:disconnect() end)
    local took, ok, err = timed(function() return s:wait(5) end)
    expect(ok).is_nil()
    expect(err.code).is "CLOSED"
    expect(took < 5).is(true)
    task.sleep(0.4) -- the server has ended with it, too
    s = declare { url = "http://127.0.0.1:1", reconnect = false }
    s:connect()
    ok, err = s:wait(5)
    expect(ok).is_nil()
    expect(err.code).is "CLOSED"
    expect(err.message).contains "CONNECT"
  end)

  test.it("begun anew meanwhile is waited for", function()
    local s = declare()
    s:connect()
    expect(s:wait(5)).is(true)
    s:disconnect()
    s:connect()
    expect(s:wait(5)).is(true)
  end)

  test.it("is cancelled like any wait, and leaves the others", function()
    local s = declare()
    local seen, other
    local t = task.spawn(function() seen = { pcall(s.wait, s, 5) } end)
    task.spawn(function() other = s:wait(5) end)
    task.sleep(0)
    t:cancel()
    task.sleep(0.02)
    expect(seen[1]).is(false)
    expect(seen[2].code).is "CANCELLED"
    s:connect()
    expect(s:wait(5)).is(true)
    task.sleep(0)
    expect(other).is(true)
    local _, err = task.with_timeout(0.05, function() return declare():wait(math.huge) end)
    expect(err.code).is "TIMEOUT"
  end)

  test.it("of what no script declares ends with TIMEOUT", function()
    local ok, err = socket.attach("nobody:chat"):wait(0.05)
    expect(ok).is_nil()
    expect(err.code).is "TIMEOUT"
    expect(err.message).contains "no script has declared it"
  end)

  test.it("misuse raises", function()
    local s = declare()
    for _, wrong in ipairs { -1, 0 / 0, "soon", {} } do
      expect(function() s:wait(wrong) end).raises "bad argument"
    end
    expect(function() s:wait(1, { reject = true }) end).raises "socket:wait takes no options"
    for _, wrong in ipairs { -1, 0, 0 / 0, "soon" } do
      expect(function() s:timeout(wrong) end).raises "bad argument"
    end
    expect(function() s:timeout(1):emit "x" end).raises "has call, and nothing else"
    expect(function() s:timeout() end).raises "number expected"
  end)

  test.it("a timeout is of its calls alone", function()
    local s = declare()
    s:connect()
    s:wait(5)
    local quick = s:timeout(0.05)
    for _ = 1, 2 do
      local took, ok, err = timed(function() return quick:call("silent", { timeout = 9 }) end)
      expect(ok).is_nil()
      expect(err.code).is "TIMEOUT"
      expect(took < 8).is(true) -- not the 9 s that are payload
    end
  end)
end)
