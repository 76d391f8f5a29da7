-- Which data of the server reaches the handlers.
local test = require "tidelock.test"
local edge = require "edge"
local json = require "tidelock.json"
local types = require "types"
local expect = test.expect

local NOW = "2024-05-01T12:30:00Z"

local function message(changes)
  local made = {
    id = "m1", sessionId = "s1", userId = "u1", userName = "Ada", content = "hi", type = "user",
    status = "sent", metadata = json.object {}, createdAt = NOW, updatedAt = NOW,
  }
  for key, value in pairs(changes or {}) do made[key] = value end
  return made
end

-- A connection whose receive() calls the handler of an event.
local function connection()
  local handlers = {}
  return {
    on = function(_, event, fn) handlers[event] = fn end,
    receive = function(event, ...) handlers[event](...) end,
  }
end

-- What a handler of the event got of each payload.
local function through(event, ...)
  local fake, got = connection(), {}
  edge.of(fake):on(event, function(payload) got[#got + 1] = payload end)
  for i = 1, select("#", ...) do fake.receive(event, (select(i, ...))) end
  return got
end

test.describe("the edge", function()
  test.it("hands on what is as it should be, its times as seconds", function()
    local got = through("new_message", message { more = "not named" })
    expect(#got).is(1)
    expect(got[1].createdAt).is(1714566600)
    expect(got[1].more).is_nil()
  end)

  test.it("drops what is not, whatever it is", function()
    local bad = {
      message { content = 7 }, message { id = "" }, message { createdAt = "yesterday" },
      message { sessionId = json.null }, json.array {}, {}, "text", 7, true, json.null,
    }
    for event in pairs(types.events) do
      expect(#through(event, table.unpack(bad, event == "message_processed" and 5 or 1))).is(0)
      expect(#through(event, nil)).is(0)
    end
  end)

  test.it("takes words that are not known yet for unknown", function()
    local got = through("system_status_update",
      { aiService = "asleep", memoryService = "healthy", activeUsers = 2 })
    expect(got[1]).equals { aiService = "unknown", memoryService = "healthy", activeUsers = 2 }
    expect(through("new_message", message { status = "pinned" })[1].status).is("unknown")
  end)

  test.it("shows an id where there is no name", function()
    local nameless = message()
    nameless.userName = nil
    expect(through("new_message", nameless)[1].userName).is("u1")
    local typing = { sessionId = "s1", userId = "u2", isTyping = true }
    expect(through("typing_indicator", typing)[1].userName).is("u2")
  end)

  test.it("looks into what an event carries", function()
    local work = { messageId = "m1", sessionId = "s1" }
    expect(#through("ai_processing_start", work)).is(1)
    expect(#through("ai_processing_end", work)).is(0)
    work.response = message()
    expect(through("ai_processing_end", work)[1].response.content).is("hi")
    work.progress = 101
    expect(#through("ai_processing_progress", work)).is(0)
    work.progress = 50
    expect(through("ai_processing_progress", work)[1].note).is("")
  end)

  test.it("passes on the acknowledgement, and events that no type is known of", function()
    local fake, seen = connection(), nil
    local function keep(...) seen = { ... } end
    edge.of(fake):on("new_message", keep)
    edge.of(fake):on("something_new", keep)
    fake.receive("new_message", message(), "ack")
    expect(seen[2]).is("ack")
    fake.receive("something_new", 1, "b")
    expect(seen).equals { 1, "b" }
  end)

  test.it("names the way to what is wrong", function()
    local value, err = edge.check(types.Message, message { metadata = { attachments = { {} } } }, "x")
    expect(value).is_nil()
    expect(err.code).is("DECODE")
    expect(err.cause.issues[1].path).is("metadata.attachments[1].filename")
  end)
end)

test.describe("the types", function()
  test.it("can be exported as JSON Schema", function()
    for name, of in pairs(types) do
      if name ~= "events" then expect(json.encode(of:json_schema())).contains '"$schema"' end
    end
  end)

  test.it("take what they have made", function()
    local once = types.Message:assert(message())
    expect(types.Message:assert(once)).equals(once)
  end)
end)
