-- permessage-deflate (RFC 7692) with npm's ws and socket.io: run by deflate_test.sh.
local env = require "tidelock.env"
local json = require "tidelock.json"
local socket = require "tidelock.socket"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local URL = env.get "WS_URL"
local seed = math.tointeger(tonumber(env.get("SEED", tostring(os.time()))))
local count, open = 0, nil

test.after_each(function()
  if open then open:disconnect() end
  open = nil
end)

-- Connects; gives a function that sends a message and gives the answer.
local function connect(query, deflate, more)
  count = count + 1
  local options = { url = ("%s/?%s"):format(URL, query), protocol = "websocket", deflate = deflate,
    reconnect = false, auto_connect = false }
  for key, value in pairs(more or {}) do options[key] = value end
  local s = socket.connect("d" .. count, options)
  local answers, last = {}, {}
  s:on("message", function(data) answers[#answers + 1] = data end)
  s:on_state(function(state, info) last.state, last.info = state, info end)
  s:connect()
  wait_for(function() return s.connected or last.state == "closed" end)
  open = s
  return function(data, options_)
    local before = #answers
    assert(s:send(data, options_))
    wait_for(function() return #answers > before or last.state == "closed" end)
    return answers[before + 1]
  end, last
end

local words = { "tide", "lock", "moon", " ", "\n", "ä", "潮", "{\"a\":1}", ("x"):rep(100) }
local function text(length)
  local parts, size = {}, 0
  while size < length do
    parts[#parts + 1] = words[math.random(#words)]
    size = size + #parts[#parts]
  end
  return table.concat(parts)
end

local function bytes(length)
  local parts = {}
  for i = 1, length do parts[i] = string.char(math.random(0, 255)) end
  return table.concat(parts)
end

local lengths = { 0, 1, 2, 10, 125, 126, 1000, 4096, 65535, 65536, 200000 }

local function echoes(query, deflate)
  local ask = connect(query, deflate)
  for _, length in ipairs(lengths) do
    local message = text(length)
    expect(ask(message) == message, "text of " .. length).is(true)
  end
  for _, length in ipairs { 0, 70000 } do
    local message = bytes(length)
    expect(ask(message, { binary = true }) == message, "bytes of " .. length).is(true)
  end
  return json.decode(ask "/inflated")
end

math.randomseed(seed)
print("# SEED=" .. seed)

test.describe("deflate with npm ws", function()
  test.it("compresses both ways, whatever was agreed", function()
    local servers = { "", "serverNoContextTakeover=1", "clientNoContextTakeover=1",
      "serverMaxWindowBits=9", "clientMaxWindowBits=9",
      "serverNoContextTakeover=1&clientNoContextTakeover=1&serverMaxWindowBits=10&clientMaxWindowBits=9" }
    local clients = { true, { threshold = 0 }, { client_no_context_takeover = true, threshold = 0 },
      { server_no_context_takeover = true, level = 9 }, { server_max_window_bits = 10, threshold = 0 },
      { client_max_window_bits = 10, threshold = 0, level = 1 } }
    for _, server in ipairs(servers) do
      for _, client in ipairs(clients) do
        expect(echoes(server, client).compressed > 0).is(true)
        open:disconnect()
      end
    end
  end)

  test.it("does without where the server does, or nobody asks", function()
    expect(echoes("off=1", true).compressed).is(0)
    open:disconnect()
    expect(echoes("", nil).compressed).is(0)
  end)

  test.it("leaves short messages as they are", function()
    local ask = connect("", { threshold = 50 })
    ask(("a"):rep(49))
    ask(("a"):rep(50))
    expect(json.decode(ask "/inflated")).equals { compressed = 1, plain = 2 }
  end)

  test.it("takes a message in fragments", function()
    local ask = connect("", true)
    local message = ("0123456789"):rep(1000)
    for _, pieces in ipairs { 1, 2, 7, 100 } do
      expect(ask(("/pieces %d %s"):format(pieces, message)) == message).is(true)
    end
  end)

  test.it("inflates to max_message and no further", function()
    local ask, last = connect("", true, { max_message = 1000000 })
    expect(#ask "/bomb 1000000").is(1000000)
    expect(ask "/bomb 1000001").is(nil)
    expect(last.info.error.code).is "TOO_LARGE"
    expect(last.info.reason).is "parse error"
  end)
end)

test.describe("deflate with socket.io", function()
  test.it("carries events and acks", function()
    local s = socket.connect("io", { url = URL, deflate = { threshold = 10 }, auto_connect = false })
    open = s
    s:connect()
    wait_for(function() return s.connected end)
    for _, length in ipairs(lengths) do
      local message = text(length)
      expect(s:call("echo", message) == message).is(true)
    end
  end)
end)
