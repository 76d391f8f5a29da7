-- The rules of the stores, each in a test that fails without it.
local test = require "tidelock.test"
local api = require "services.api"
local app = require "stores.app"
local chat = require "stores.chat"
local config = require "config"
local opening = require "flows.opening"
local projects = require "stores.projects"
local state = require "state"
local system = require "stores.system"
local task = require "tidelock.task"
local types = require "types"
local user = require "stores.user"
local view = require "views.plain"
local expect = test.expect

-- What print gets while fn runs.
local function printed(fn)
  local real, lines = print, {}
  print = function(line) lines[#lines + 1] = line end -- luacheck: ignore 121
  local ok, err = pcall(fn)
  print = real -- luacheck: ignore 121
  if not ok then error(err, 0) end
  return table.concat(lines, "\n")
end

local function message(fields)
  local made = { id = "m1", sessionId = "s1", userId = "u2", content = "x", status = "sent" }
  for name, value in pairs(fields) do made[name] = value end
  return made
end

local function log_in(id) user.logged_in { id = id, name = "Ada" } end

test.describe("messages", function()
  test.before_each(state.reset)

  test.it("are new once", function()
    expect(chat.received(message { id = "m1" })).is(true)
    expect(chat.received(message { id = "m2" })).is(true)
    expect(chat.received(message { id = "m1" })).is(false)
    expect(#chat.messages "s1").is(2)
  end)

  test.it("are kept by session", function()
    chat.received(message { id = "m1" })
    chat.received(message { id = "m2", sessionId = "s2" })
    expect(#chat.messages "s1").is(1)
    expect(chat.messages("s2")[1].id).is("m2")
    expect(#chat.messages "s3").is(0)
  end)

  test.it("are not doubled by their echo, and have its id", function()
    chat.received(message { id = "c1", clientId = "c1", status = "sending" })
    expect(chat.received(message { id = "m1", clientId = "c1" })).is(false)
    expect(#chat.messages "s1").is(1)
    expect(chat.messages("s1")[1].id).is("m1")
    expect(chat.received(message { id = "m2", clientId = "c1", userId = "u3" })).is(true)
  end)

  test.it("are bounded: the latest five hundred of fifty sessions", function()
    for i = 1, 600 do chat.received(message { id = "m" .. i }) end
    expect(#chat.messages "s1").is(500)
    expect(chat.received(message { id = "m101" })).is(false)
    chat.open({ id = "s1", title = "One" }, "p1")
    for i = 2, 60 do chat.received(message { sessionId = "s" .. i }) end
    expect(#chat.messages "s1").is(500)
    expect(#chat.messages "s2").is(0)
    expect(#chat.messages "s60").is(1)
  end)

  test.it("that were deleted do not come back", function()
    chat.received(message {})
    chat.deleted { messageId = "m1", sessionId = "s1" }
    chat.deleted { messageId = "m7", sessionId = "s1" }
    expect(#chat.messages "s1").is(0)
    expect(chat.received(message {})).is(false)
    expect(#chat.messages "s1").is(0)
  end)

  test.it("that were processed say so, and are answered", function()
    chat.received(message { clientId = "c1" })
    chat.expect_answer "c1"
    chat.processed { id = "m1", sessionId = "s1", clientId = "c1", status = "processed" }
    expect(chat.messages("s1")[1].status).is("processed")
    expect(chat.is_idle()).is(true)
  end)
end)

test.describe("what is on its way", function()
  test.before_each(state.reset)

  test.it("is idle when all is sent and answered", function()
    expect(chat.is_idle()).is(true)
    chat.enqueue("c1", "hello")
    expect(chat.is_idle()).is(false)
    chat.expect_answer "c1"
    chat.received(message { clientId = "c1" })
    expect(#chat.lines()).is(0)
    expect(chat.is_idle()).is(false)
    chat.answered "another"
    expect(chat.count_unanswered()).is(1)
    chat.answered "c1"
    expect(chat.is_idle()).is(true)
  end)

  test.it("loses nothing to messages that others sent", function()
    chat.enqueue("c1", "hello")
    chat.delivered(nil)
    chat.delivered "c2"
    chat.answered(nil)
    chat.received(message {})
    expect(#chat.lines()).is(1)
  end)
end)

test.describe("who types", function()
  local limit = config.typing_timeout
  test.before_each(state.reset)
  test.after_each(function() config.typing_timeout = limit end)

  local function types_in(session, who, is)
    return chat.typed { sessionId = session, userId = who, userName = who, isTyping = is }
  end

  test.it("is told by session, until it ends", function()
    expect(types_in("s1", "Bob", true)).is(true)
    types_in("s1", "Cy", true)
    types_in("s2", "Dan", true)
    expect(chat.who_types "s1").equals { "Bob", "Cy" }
    expect(types_in("s1", "Bob", false)).is(false)
    expect(chat.who_types "s1").equals { "Cy" }
  end)

  test.it("is never oneself", function()
    log_in "Ada"
    expect(types_in("s1", "Ada", true)).is(false)
    expect(#chat.who_types "s1").is(0)
  end)

  test.it("is forgotten when the end is lost", function()
    config.typing_timeout = 0
    types_in("s1", "Bob", true)
    expect(#chat.who_types "s1").is(0)
    chat.expire()
    expect(chat.store:get("typing", "s1", "Bob")).is_nil()
  end)
end)

test.describe("the assistant", function()
  local limit = config.assistant_timeout
  test.before_each(state.reset)
  test.after_each(function() config.assistant_timeout = limit end)

  local function work(fields)
    fields.sessionId, fields.messageId = "s1", fields.messageId or "m1"
    return fields
  end

  test.it("works in a session until it answers", function()
    chat.works(work {})
    chat.works(work { progress = 40, note = "reads" })
    expect(chat.work("s1").progress).is(40)
    expect(chat.work "s2").is_nil()
    expect(chat.work_ended(work { response = message { id = "a1" } })).is(true)
    expect(chat.work "s1").is_nil()
    expect(chat.received(message { id = "a1" })).is(false)
  end)

  test.it("goes on with the next message when another one ends or fails", function()
    chat.works(work { messageId = "m2" })
    chat.work_failed(work {})
    expect(chat.work("s1").message).is("m2")
    chat.work_failed(work { messageId = "m2" })
    expect(chat.work "s1").is_nil()
  end)

  test.it("blocks nothing when its end is lost", function()
    config.assistant_timeout = 0
    chat.works(work {})
    expect(chat.work "s1").is_nil()
    expect(chat.is_idle()).is(true)
    chat.expire()
    expect(chat.store:get("work", "s1")).is_nil()
  end)

  test.it("is not forgotten before its time", function()
    chat.works(work {})
    chat.expire()
    expect(chat.work("s1").message).is("m1")
  end)
end)

test.describe("projects", function()
  test.before_each(state.reset)

  test.it("say what belongs to the screen", function()
    expect(state.is_open()).is(false)
    expect(state.is_here { sessionId = "s1" }).is(false)
    state.open({ id = "p1", name = "Moon" }, { id = "s1", title = "One" })
    expect(state.is_here { sessionId = "s1" }).is(true)
    expect(state.is_here { sessionId = "s2" }).is(false)
    expect(state.place_of { sessionId = "s1" }).is("Moon")
    projects.close()
    expect(state.is_open()).is(false)
  end)

  test.it("take their session from the screen when they are deleted", function()
    state.open({ id = "p1", name = "Moon" }, { id = "s1", title = "One" })
    projects.put { id = "p2", name = "Mars" }
    local name, closed = projects.deleted "p2"
    expect(name).is("Mars")
    expect(closed).is(false)
    expect(select(2, projects.deleted "p1")).is(true)
    expect(state.is_open()).is(false)
    expect(state.place_of { sessionId = "s1" }).is_nil()
  end)
end)

test.describe("the user, the client and the system", function()
  test.before_each(state.reset)

  test.it("keep preferences, and no token where tools may read it", function()
    user.logged_in { id = "u1", name = "Ada", preferences = { theme = "dark" } }
    user.set_tokens { access = "secret", refresh = "r", expires = math.huge }
    expect(user.preferences().theme).is("dark")
    expect(user.store:get().tokens).is_nil()
    expect(user.tokens().access).is("secret")
  end)

  test.it("know a first connection from a later one", function()
    expect(app.connection_is "connected").is(false)
    app.connection_is "reconnecting"
    expect(app.store:get "connection").is("reconnecting")
    expect(app.connection_is "connected").is(true)
  end)

  test.it("answer one refusal, until it was connected", function()
    expect(app.refused_first()).is(true)
    expect(app.refused_first()).is(false)
    app.connection_is "connected"
    expect(app.refused_first()).is(true)
  end)

  test.it("look neither good nor bad with a word that nobody knows", function()
    expect(system.look "healthy").is("good")
    expect(system.look "down").is("bad")
    expect(system.look "unknown").is("neutral")
    expect(system.look "splendid").is("neutral")
  end)
end)

-- An event of each kind, and the one store that it may change.
local NOW = "2024-05-01T12:30:00Z"
local project = {
  id = "p1", name = "Moon", status = "active", priority = "low", createdAt = NOW, updatedAt = NOW,
}
local said = {
  id = "m1", sessionId = "s1", userId = "u2", userName = "Bob", content = "x", type = "user",
  status = "sent", createdAt = NOW, updatedAt = NOW,
}
local work = { messageId = "m1", sessionId = "s1" }
local events = {
  { "new_message", said, "chat" },
  { "typing_indicator", { sessionId = "s1", userId = "u2", isTyping = true }, "chat" },
  { "ai_processing_start", work, "chat" },
  { "ai_processing_progress", { messageId = "m1", sessionId = "s1", progress = 4 }, "chat" },
  { "ai_processing_error", { messageId = "m1", sessionId = "s1", error = { message = "x" } }, "chat" },
  { "message_processed", { id = "m1", sessionId = "s1", status = "processed" }, "chat" },
  { "message_deleted", { messageId = "m1", sessionId = "s1" }, "chat" },
  { "project_created", { project = project }, "projects" },
  { "project_deleted", { projectId = "p1" }, "projects" },
  { "system_status_update", { aiService = "down", memoryService = "odd", activeUsers = 1 }, "system" },
  { "error_occurred", { message = "x" }, "app" },
}

test.describe("each event", function()
  local hears = {}
  test.before_each(function()
    state.reset()
    hears = {}
    local chatter = { on = function(_, event, fn)
      expect(hears[event]).is_nil()
      hears[event] = fn
    end }
    for _, group in ipairs { "chat", "assistant", "projects", "system" } do
      require("handlers." .. group)(chatter)
    end
  end)

  test.it("has one handler, and every event of the server has", function()
    for event in pairs(types.events) do expect(hears[event] ~= nil).is(true) end
  end)

  test.it("changes one store", function()
    local all = { app = app, chat = chat, projects = projects, system = system, user = user }
    for _, case in ipairs(events) do
      local before = {}
      for name, each in pairs(all) do before[name] = each.store:get() end
      local payload = types.events[case[1]]:check(case[2])
      printed(function() hears[case[1]](payload) end)
      for name, each in pairs(all) do
        local changed = each.store:get() ~= before[name] and name or "nothing"
        expect(case[1] .. " " .. changed).is(case[1] .. " " .. (name == case[3] and name or "nothing"))
      end
    end
  end)

  test.it("asks the server for nothing", function()
    local real, asked = api.send, {}
    api.send = function(_, path) asked[#asked + 1] = path end
    printed(function()
      for _, case in ipairs(events) do hears[case[1]](types.events[case[1]]:check(case[2])) end
    end)
    api.send = real
    expect(asked).equals {}
  end)
end)

test.describe("a connection that is back", function()
  test.before_each(state.reset)

  test.it("fetches what was missed, unless it has recovered", function()
    local real, fetched, heard = opening.catch_up, 0, nil
    opening.catch_up = function() fetched = fetched + 1 end
    require "handlers.connection" { on_state = function(_, fn) heard = fn end }
    local told = printed(function()
      heard("connected", { recovered = false })
      heard("reconnecting", { recovered = false })
      heard("connected", { recovered = true })
    end)
    opening.catch_up = real
    expect(fetched).is(1)
    expect(told).is("* connected\n* connected again")
    expect(app.store:get "connection").is("connected")
  end)
end)

test.describe("the plain view", function()
  test.it("tells the system's status when it changes", function()
    state.reset()
    local real, lines = print, {}
    print = function(line) lines[#lines + 1] = line end -- luacheck: ignore 121
    view.watch()
    for _, users in ipairs { 1, 1, 2 } do
      system.told { aiService = "healthy", memoryService = "unknown", activeUsers = users }
      task.sleep(0) -- the turn ends
    end
    print = real -- luacheck: ignore 121
    expect(#lines).is(2)
    expect(lines[1]).is("* system: assistant healthy, memory unknown, active users: 1")
  end)
end)
