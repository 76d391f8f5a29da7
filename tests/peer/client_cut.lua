-- A connection cut at every byte of a conversation, in both directions: each call ends once, what
-- the server saw agrees with what the caller was told, and the next connection works. Run by
-- cut_test.sh; STEP=1 goes through every byte (as CUT_STEP=1 tests/peer/cut_test.sh does).
local env = require "tidelock.env"
local http = require "tidelock.http"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local url = env.get "WS_URL"
local step = tonumber(env.get("STEP", "5"))

local function ask(path) return assert(http.get(url .. path)):json() end

-- Declared at the top level once; each round connects it anew.
local chat = socket.connect("chat", {
  url = url, auto_connect = false, timeout = 5,
  reconnect = { delay = 0.001, max_delay = 0.002 },
})
local told, states = {}, {}
local broken = 0 -- calls that did not come through
chat:on("told", function(id) told[id] = (told[id] or 0) + 1 end)
chat:on_state(function(state) states[#states + 1] = state end)

local function begin(rule)
  told, states = {}, {}
  ask("/rule?" .. rule)
  chat:connect()
end

local function finish()
  wait_for(function() return chat.state == "connected" end)
  while not chat:timeout(5):call("count", "end") do wait_for(function() return chat.connected end) end
  chat:disconnect()
  wait_for(function() return chat.state == "closed" end)
end

-- Three calls at once and an event, whenever the connection breaks.
local function converse(round)
  local calls = {}
  for i = 1, 3 do
    local id = round .. ":" .. i
    calls[i] = function()
      local reply, err = chat:timeout(5):call("count", id)
      return { id = id, reply = reply, err = err }
    end
  end
  chat:emit("push", round .. ":push")
  return assert(task.all(calls))
end

local function agrees(result, count)
  if result.reply then
    expect(result.reply).is(result.id)
    expect(count).is(1)
    return
  end
  broken = broken + 1
  expect(result.err.code, tostring(result.err)).is "CLOSED"
  if result.err.sent == "no" then expect(count).is(0) else expect(count <= 1).is(true) end
end

local function round(way, at)
  local name = way .. at
  begin(("way=%s&at=%d"):format(way, at))
  local results = converse(name)
  finish()
  local seen = ask "/seen"
  for _, result in ipairs(results) do agrees(result, seen[result.id] or 0) end
  local pushed = name .. ":push"
  expect((told[pushed] or 0) <= (seen[pushed] or 0) and (seen[pushed] or 0) <= 1).is(true)
  expect(states[1]).is "connecting"
  expect(states[#states]).is "closed"
end

local function whole_length()
  begin "way=none"
  converse "whole"
  finish()
  return ask "/rule?way=none"
end

test.timeout = 300
for _, way in ipairs { "up", "down" } do
  test.describe("a connection cut " .. way, function()
    test.it("at any byte leaves nothing open, nothing doubled", function()
      local length = whole_length()[way]
      expect(length > 300).is(true)
      broken = 0
      for at = 1, length, step do round(way, at) end
      expect(broken > 0).is(true)
    end)
  end)
end

-- --- a peer that says nothing more, and does not close ----------------------------------------

test.describe("a half-open connection", function()
  test.it("is noticed by the heartbeat, its call ends, and the next one works", function()
    begin "way=down&at=600&how=silent"
    wait_for(function() return chat.state == "connected" end)
    local result
    repeat
      local reply, err = chat:timeout(20):call("count", "half")
      result = err
    until not reply
    expect(result.code).is "CLOSED"
    wait_for(function() return chat.state == "connected" end, 10)
    finish()
  end)
end)
