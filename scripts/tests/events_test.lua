-- Each event of the server lands in one handler, which changes one store and asks for nothing.
local test = require "tidelock.test"
local api = require "services.api"
local edge = require "edge"
local printed = require "tests.printed"
local screen = require "screen"
local store = require "tidelock.store"
local stores = require "stores.all"
local task = require "tidelock.task"
local types = require "types"
local expect = test.expect

local NOW = "2024-05-01T12:30:00Z"
local project = {
  id = "p1", name = "Moon", status = "active", priority = "low", createdAt = NOW, updatedAt = NOW,
}
local said = {
  id = "m1", sessionId = "s1", userId = "u2", userName = "Bob", content = "x", type = "user",
  status = "sent", createdAt = NOW, updatedAt = NOW,
}
local answer = {
  id = "m2", sessionId = "s1", userId = "assistant", content = "y", type = "assistant",
  status = "sent", createdAt = NOW, updatedAt = NOW,
}
local edited = {}
for name, value in pairs(said) do edited[name] = value end
edited.content = "better"
local session = { id = "s1", projectId = "p1", title = "Two", createdAt = NOW, updatedAt = NOW }
local failure = { message = "x" }

-- In an order in which each of them changes something, and the store that it changes.
local cases = {
  { "new_message", said, "chat" },
  { "message_processed", { id = "m1", sessionId = "s1", status = "processed" }, "chat" },
  { "typing_indicator", { sessionId = "s1", userId = "u2", isTyping = true }, "chat" },
  { "ai_processing_start", { messageId = "m1", sessionId = "s1" }, "chat" },
  { "ai_processing_progress", { messageId = "m1", sessionId = "s1", progress = 4 }, "chat" },
  { "ai_processing_error", { messageId = "m1", sessionId = "s1", error = failure }, "chat" },
  { "ai_processing_end", { messageId = "m1", sessionId = "s1", response = answer }, "chat" },
  { "message_updated", edited, "chat" },
  { "message_deleted", { messageId = "m1", sessionId = "s1" }, "chat" },
  { "session_updated", { session = session }, "chat" },
  { "session_deleted", { sessionId = "s1", projectId = "p1" }, "chat" },
  { "project_updated", { project = project }, "projects" },
  { "project_deleted", { projectId = "p1" }, "projects" },
  { "project_created", { project = project }, "projects" },
  { "system_status_update",
    { aiService = "down", memoryService = "odd", activeUsers = 1 }, "system" },
  { "error_occurred", failure, "app" },
}

local changed = {}
store.trace(function(change) changed[#changed + 1] = change.store:match ":(.*)$" end)

local hears = {}
local chatter = {
  on = function(_, event, fn)
    if hears[event] then error(event .. " has two handlers") end
    hears[event] = fn
  end,
}
for _, group in ipairs { "chat", "assistant", "projects", "system" } do
  require("handlers." .. group)(edge.of(chatter))
end

-- The stores that change when the event comes.
local function changes_of(event, payload)
  task.sleep(0) -- the turn ends: what came before is traced
  changed = {}
  printed(function() hears[event](payload) end)
  task.sleep(0)
  return table.concat(changed, " ")
end

test.describe("each event", function()
  test.before_each(function()
    stores.reset()
    stores.user.log_in { id = "u1", name = "Ada" }
    screen.open({ id = "p1", name = "Moon" }, { id = "s1", title = "One" })
  end)

  test.it("has one handler, and a sample below", function()
    local sampled = {}
    for _, case in ipairs(cases) do sampled[case[1]] = true end
    for event in pairs(types.events) do
      expect(hears[event] and event).is(event)
      expect(sampled[event] and event).is(event)
    end
    for event in pairs(hears) do expect(types.events[event] and event).is(event) end
  end)

  test.it("changes one store, once", function()
    for _, case in ipairs(cases) do
      expect(case[1] .. ": " .. changes_of(case[1], case[2])).is(case[1] .. ": " .. case[3])
    end
  end)

  test.it("changes at most that one when it comes again, or is of something unknown", function()
    for _, case in ipairs(cases) do changes_of(case[1], case[2]) end
    for _, case in ipairs(cases) do
      local again = changes_of(case[1], case[2])
      expect(again == "" or again == case[3]).is(true)
    end
  end)

  test.it("of oneself typing changes nothing", function()
    local own = { sessionId = "s1", userId = "u1", isTyping = true }
    expect(changes_of("typing_indicator", own)).is("")
  end)

  test.it("asks the server for nothing", function()
    local real, asked = api.request, {}
    api.request = function(_, path) asked[#asked + 1] = path end
    for _, case in ipairs(cases) do changes_of(case[1], case[2]) end
    api.request = real
    expect(asked).equals {}
  end)

  test.it("has its dates as seconds in the store", function()
    changes_of("new_message", said)
    expect(stores.chat.messages("s1")[1].createdAt).is(1714566600)
  end)
end)
