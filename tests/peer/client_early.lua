-- Servers that greet before they let in, and may refuse behind the greeting: run by early_test.sh.
local env = require "tidelock.env"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local test = require "tidelock.test"
local expect, wait_for = test.expect, test.wait_for

local count, open = 0, {}

local function connect(auth, more)
  count = count + 1
  local options = { url = env.get "WS_URL", auth = auth, auto_connect = false,
    transports = { env.get "TRANSPORT" }, reconnect = { delay = 0.01, max_delay = 0.02 },
    parser = env.get("PARSER", "json") }
  for key, value in pairs(more or {}) do options[key] = value end
  local s, heard = socket.connect("early" .. count, options), {}
  s:on_state(function(state, info)
    if state ~= "connecting" then heard[#heard + 1] = state end
    heard.info = info
  end)
  s:on("early", function(i, what, ack)
    heard[#heard + 1] = i .. what
    if ack then ack "here" end
  end)
  s:on("welcome", function() heard[#heard + 1] = "welcome" end)
  s:connect()
  open[#open + 1] = s
  return s, heard
end

test.after_each(function()
  for _, s in ipairs(open) do s:disconnect() end
  open = {}
end)

local function greeted(namespace)
  return { "connected", "1" .. namespace, "2bytes", "3ask", "welcome" }
end

local function told(heard)
  local list = {}
  for i, word in ipairs(heard) do list[i] = word end
  return list
end

local function lets_in(auth, more)
  local s, heard = connect(auth, more)
  wait_for(function() return #heard >= 5 end)
  expect(told(heard)).equals(greeted(more and more.namespace or "/"))
  local asked, replies = s:call "asked"
  expect(replies[#replies]).is "here"
  return s, asked
end

test.describe("a greeting before the namespace is joined", function()
  test.it("comes in order behind connected, and can be answered", function()
    lets_in {}
    lets_in { slow = true }
  end)

  test.it("comes to each namespace of a shared connection, also one that is joined again", function()
    local _, before = lets_in {}
    local room = lets_in({}, { namespace = "/room" })
    room:disconnect()
    lets_in({ slow = true }, { namespace = "/room" })
    local s = lets_in {}
    expect(s:call "asked" - before).is(1)
  end)

  test.it("and a refusal: that is told, and not retried", function()
    local watcher, before = lets_in {}
    local s, heard = connect({ refuse = true }, { multiplex = false })
    local why
    s:on("connect_error", function(err) why = err end)
    wait_for(function() return s.state == "closed" end)
    local last = heard[#heard]
    expect(last).is "closed"
    expect(heard.info.will_retry).is(false)
    if env.get "ALWAYS" then
      expect(heard.info.reason).is "io server disconnect"
      expect(heard.info.error.message).matches "not you"
    else
      expect(told(heard)).equals { "closed" }
      expect(heard.info.reason).is "rejected"
      expect(why.code).is "REJECTED"
      expect(why.message).is "not you"
    end
    expect(heard.info.data).equals { code = "NO" }
    task.sleep(0.2)
    expect(watcher:call "asked" - before).is(1)
  end)
end)
