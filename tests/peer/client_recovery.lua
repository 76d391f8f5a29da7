-- Connection state recovery against npm socket.io with connectionStateRecovery: run by
-- recovery_test.sh. DROPS=n breaks the connection so often under a stream of numbered events.
local env = require "tidelock.env"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local drops = tonumber(env.get("DROPS", "30"))
local transports = { env.get("TRANSPORT", "websocket") }

local function declare(name, more)
  local options = { url = env.get "WS_URL", auto_connect = false, transports = transports,
    reconnect = { delay = 0.005, max_delay = 0.01 } }
  for key, value in pairs(more or {}) do options[key] = value end
  return socket.connect(name, options)
end

local chat = declare("chat", { multiplex = false })
local other = declare("other", { multiplex = false, transports = { "websocket" } })
local seen, infos, counts = {}, {}, {}
chat:on("broadcast", function(...)
  seen[#seen + 1], counts[select("#", ...)] = (...), true
end)
chat:on_state(function(state, info)
  if state == "connected" then infos[#infos + 1] = info.recovered end
end)

local function begin()
  seen, infos, counts = {}, {}, {}
  for _, each in ipairs { chat, other } do
    each:connect()
    wait_for(function() return each.connected end)
  end
end

local function finish()
  chat:disconnect()
  other:disconnect()
  wait_for(function() return chat.state == "closed" and other.state == "closed" end)
end

local function in_order(from, to)
  for i = from, to do
    if seen[i] ~= i then return ("%s stands where %d should"):format(tostring(seen[i]), i) end
  end
  return "in order"
end

test.timeout = 300
test.describe("connection state recovery", function()
  test.it("sends what was missed, once, in order, with all the arguments that the server gave", function()
    begin()
    local sent, busy = 0, true
    local sender = task.spawn(function()
      while busy do
        sent = sent + 1
        other:emit("broadcast", sent)
        task.sleep(0.001)
      end
    end)
    local id = chat.id
    wait_for(function() return #seen > 0 end) -- there is nothing to recover before the first
    for i = 1, drops do
      chat:emit "drop"
      wait_for(function() return #infos == i + 1 end)
      wait_for(function() return #seen > sent - 50 end)
    end
    busy = false
    sender:await()
    wait_for(function() return #seen >= sent end)
    expect(in_order(1, sent)).is "in order"
    expect(#seen).is(sent)
    expect(chat.id).is(id)
    expect(chat.recovered).is(true)
    for i = 2, #infos do expect(infos[i]).is(true) end
    expect(counts).equals { [3] = true } -- the text, who said it, and the offset
    finish()
  end)

  test.it("leaves volatile events their last argument, and takes a text for no offset", function()
    begin()
    local said
    chat:on("volatile", function(...) said = { ... } end)
    other:emit("broadcast", 1)
    wait_for(function() return #seen == 1 end)
    for _, words in ipairs { "a last word", "größer Mann", "", '"quoted"', "two\nlines" } do
      said = nil
      chat:emit("volatile", 1, words)
      wait_for(function() return said end)
      expect(said).equals { 1, words }
    end
    local id = chat.id
    chat:emit "drop"
    wait_for(function() return #infos == 2 end)
    expect(infos[2]).is(true)
    expect(chat.id).is(id)
    finish()
  end)

  test.it("does not outlive a disconnect", function()
    begin()
    other:emit("broadcast", 1)
    wait_for(function() return #seen == 1 end)
    local id = chat.id
    chat:disconnect()
    wait_for(function() return chat.state == "closed" end)
    chat:connect()
    wait_for(function() return chat.connected end)
    expect(chat.recovered).is(false)
    expect(chat.id == id).is(false)
    finish()
  end)

  test.it("is told when it was too late: nothing is pretended", function()
    begin()
    other:emit("broadcast", 1)
    wait_for(function() return #seen == 1 end)
    other:call("forget")
    chat:emit "drop"
    wait_for(function() return #infos == 2 end)
    expect(infos[2]).is(false)
    expect(chat.recovered).is(false)
    other:emit("broadcast", 2)
    wait_for(function() return #seen == 2 end)
    finish()
  end)

  test.it("leaves events with an ack their last argument", function()
    begin()
    local asked
    chat:on("question", function(text, ack)
      asked = text
      ack "yes"
    end)
    chat:emit("ask", "really")
    wait_for(function() return asked end)
    expect(asked).is "really"
    finish()
  end)
end)
