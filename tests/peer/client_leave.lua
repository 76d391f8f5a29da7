-- What was emitted before disconnect() arrives: run by leave_test.sh against leave_server.js.
local env = require "tidelock.env"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local count = 0
local function connected(name, transports)
  count = count + 1
  local s = socket.connect("s" .. count, { url = env.get "WS_URL", query = { name = name },
    transports = transports, upgrade = #transports > 1, parser = env.get "PARSER", auto_connect = false })
  s:connect()
  wait_for(function() return s.connected end)
  return s
end

local function expect_seen(name, events)
  local watch = connected("watch", { "websocket" })
  local seen = watch:call("seen", name)
  watch:disconnect()
  expect(seen).equals { count = events, ordered = true, reason = "client namespace disconnect" }
end

for name, transports in pairs { websocket = { "websocket" }, polling = { "polling" },
  upgrade = { "polling", "websocket" } } do
  test.describe("over " .. name, function()
    for _, case in ipairs { { 0, 1 }, { 1, 1 }, { 100, 1 }, { 20, 300000 } } do
      local events, size = case[1], case[2]
      test.it(("%d events of %d bytes arrive before disconnect"):format(events, size), function()
        local label = ("%s %d %d"):format(name, events, size)
        local s = connected(label, transports)
        for i = 1, events do s:emit("number", i, ("x"):rep(size)) end
        s:disconnect()
        expect_seen(label, events)
      end)
    end
  end)
end

for _, transports in ipairs { { "websocket" }, { "polling" } } do
test.describe("a namespace that is left while others stay, over " .. transports[1], function()
  local main, slow, before
  test.before_each(function()
    main = connected("main", transports)
    count = count + 1
    slow = socket.connect("s" .. count, { url = env.get "WS_URL", query = { name = "main" },
      namespace = "/slow", transports = transports, upgrade = false, parser = env.get "PARSER",
      auto_connect = false })
    before = main:call "slow"
    slow:connect()
    main:call "slow" -- behind it: the server has been asked for the other
  end)
  test.after_each(function()
    slow:disconnect()
    main:disconnect()
  end)

  local function expect_there(let_in, there)
    test.wait_for(function()
      local ever, now = main:call "slow"
      return ever - before == let_in and now == there
    end)
  end

  test.it("before it was let in, is left by the server, too", function()
    local id = main.id
    slow:disconnect()
    expect_there(1, 0)
    expect(main.id).is(id)
  end)

  test.it("before it was let in, can be joined again at once", function()
    local id = main.id
    for _ = 1, 3 do
      slow:disconnect()
      slow:connect()
      main:call "slow"
    end
    wait_for(function() return slow.connected end)
    expect_there(2, 1)
    expect(main.id).is(id)
  end)

  test.it("can be joined again at once", function()
    local id = main.id
    for _ = 1, 3 do
      wait_for(function() return slow.connected end)
      slow:disconnect()
      slow:connect()
    end
    wait_for(function() return slow.connected end)
    expect_there(4, 1)
    expect(main.id).is(id)
  end)

  test.it("has got what was emitted before", function()
    wait_for(function() return slow.connected end)
    for i = 1, 100 do slow:emit("number", i) end
    slow:disconnect()
    expect_there(1, 0)
    expect_seen("main", 100)
  end)
end)
end

-- As many as a process of its own left with its last words (script_leave.lua).
for _, name in ipairs { "ends websocket", "ends polling", "exit websocket", "exit polling" } do
  test.it(name .. ": a process that ends has said all", function()
    expect_seen(name, 200)
  end)
end
