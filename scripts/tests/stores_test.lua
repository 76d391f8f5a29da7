-- The rules of the stores, each in a test that fails without it.
local test = require "tidelock.test"
local app = require "stores.app"
local chat = require "stores.chat"
local config = require "config"
local opening = require "flows.opening"
local printed = require "tests.printed"
local projects = require "stores.projects"
local screen = require "screen"
local stores = require "stores.all"
local system = require "stores.system"
local task = require "tidelock.task"
local user = require "stores.user"
local view = require "views.plain"
local expect = test.expect

local function message(fields)
  local made = { id = "m1", sessionId = "s1", userId = "u2", content = "x", status = "sent" }
  for name, value in pairs(fields) do made[name] = value end
  return made
end

local function log_in(id) user.log_in { id = id, name = "Ada" } end

test.describe("messages", function()
  test.before_each(stores.reset)

  test.it("are new once", function()
    expect(chat.add_message(message { id = "m1" })).is(true)
    expect(chat.add_message(message { id = "m2" })).is(true)
    expect(chat.add_message(message { id = "m1" })).is(false)
    expect(#chat.messages "s1").is(2)
  end)

  test.it("are kept by session", function()
    chat.add_message(message { id = "m1" })
    chat.add_message(message { id = "m2", sessionId = "s2" })
    expect(#chat.messages "s1").is(1)
    expect(chat.messages("s2")[1].id).is("m2")
    expect(#chat.messages "s3").is(0)
  end)

  test.it("are not doubled by their echo, and have its id", function()
    chat.add_message(message { id = "c1", clientId = "c1", status = "sending" })
    expect(chat.add_message(message { id = "m1", clientId = "c1" })).is(false)
    expect(#chat.messages "s1").is(1)
    expect(chat.messages("s1")[1].id).is("m1")
    expect(chat.add_message(message { id = "m2", clientId = "c1", userId = "u3" })).is(true)
  end)

  test.it("are bounded: the latest five hundred of fifty sessions", function()
    for i = 1, 600 do chat.add_message(message { id = "m" .. i }) end
    expect(#chat.messages "s1").is(500)
    expect(chat.add_message(message { id = "m101" })).is(false)
    chat.open({ id = "s1", title = "One" }, "p1")
    for i = 2, 60 do chat.add_message(message { sessionId = "s" .. i }) end
    expect(#chat.messages "s1").is(500)
    expect(#chat.messages "s2").is(0)
    expect(#chat.messages "s60").is(1)
  end)

  test.it("that were deleted do not come back", function()
    chat.add_message(message {})
    chat.mark_deleted { messageId = "m1", sessionId = "s1" }
    chat.mark_deleted { messageId = "m7", sessionId = "s1" }
    expect(#chat.messages "s1").is(0)
    expect(chat.add_message(message {})).is(false)
    expect(#chat.messages "s1").is(0)
  end)

  test.it("that were processed say so, and are answered", function()
    chat.add_message(message { clientId = "c1" })
    chat.mark_sending("c1", "s1")
    chat.mark_processed { id = "m1", sessionId = "s1", clientId = "c1", status = "processed" }
    expect(chat.messages("s1")[1].status).is("processed")
    expect(chat.is_idle()).is(true)
  end)
end)

test.describe("who types", function()
  local limit = config.typing_timeout
  test.before_each(stores.reset)
  test.after_each(function() config.typing_timeout = limit end)

  local function types_in(session, who, is)
    return chat.set_typing { sessionId = session, userId = who, userName = who, isTyping = is }
  end

  test.it("is known by session, until it ends", function()
    expect(types_in("s1", "Bob", true)).is(true)
    types_in("s1", "Cy", true)
    types_in("s2", "Dan", true)
    expect(chat.typing_names "s1").equals { "Bob", "Cy" }
    expect(types_in("s1", "Bob", false)).is(false)
    expect(chat.typing_names "s1").equals { "Cy" }
  end)

  test.it("is never oneself", function()
    log_in "Ada"
    expect(types_in("s1", "Ada", true)).is(false)
    expect(#chat.typing_names "s1").is(0)
  end)

  test.it("is forgotten when the end is lost", function()
    config.typing_timeout = 0
    types_in("s1", "Bob", true)
    expect(#chat.typing_names "s1").is(0)
    chat.expire()
    expect(chat.store:get("typing", "s1", "Bob")).is_nil()
  end)
end)

test.describe("the assistant", function()
  local limit = config.assistant_timeout
  test.before_each(stores.reset)
  test.after_each(function() config.assistant_timeout = limit end)

  local function work(fields)
    fields.sessionId, fields.messageId = "s1", fields.messageId or "m1"
    return fields
  end

  test.it("works in a session until it answers", function()
    chat.assistant_working(work {})
    chat.assistant_working(work { progress = 40, note = "reads" })
    expect(chat.assistant_status("s1").progress).is(40)
    expect(chat.assistant_status "s2").is_nil()
    expect(chat.assistant_done(work { response = message { id = "a1" } })).is(true)
    expect(chat.assistant_status "s1").is_nil()
    expect(chat.add_message(message { id = "a1" })).is(false)
  end)

  test.it("goes on with the next message when another one ends or fails", function()
    chat.assistant_working(work { messageId = "m2" })
    chat.assistant_failed(work {})
    expect(chat.assistant_status("s1").message).is("m2")
    chat.assistant_failed(work { messageId = "m2" })
    expect(chat.assistant_status "s1").is_nil()
  end)

  test.it("blocks nothing when its end is lost", function()
    config.assistant_timeout = 0
    chat.assistant_working(work {})
    expect(chat.assistant_status "s1").is_nil()
    expect(chat.is_idle()).is(true)
    chat.expire()
    expect(chat.store:get("work", "s1")).is_nil()
  end)

  test.it("is not forgotten before its time", function()
    chat.assistant_working(work {})
    chat.expire()
    expect(chat.assistant_status("s1").message).is("m1")
  end)
end)

test.describe("projects", function()
  test.before_each(stores.reset)

  local function names()
    local found = {}
    for i, project in ipairs(projects.list()) do found[i] = project.name end
    return found
  end

  test.it("are those that were listed last, in that order, and those that came since", function()
    projects.put { id = "p0", name = "Gone" }
    projects.start_listing()
    expect(projects.is_loading()).is(true)
    projects.set_list { { id = "p2", name = "Moon" }, { id = "p1", name = "Mars" } }
    expect(projects.is_loading()).is(false)
    projects.put { id = "p3", name = "Venus" }
    projects.put { id = "p2", name = "Luna" }
    expect(names()).equals { "Luna", "Mars", "Venus" }
    projects.remove "p1"
    expect(names()).equals { "Luna", "Venus" }
    expect(projects.name "p0").is_nil()
  end)

  test.it("stay when they cannot be listed, which is an error", function()
    projects.set_list { { id = "p1", name = "Mars" } }
    projects.start_listing()
    projects.listing_failed { code = "CONNECT", message = "no way" }
    expect(names()).equals { "Mars" }
    expect(projects.is_loading()).is(false)
    expect(projects.error().code).is("CONNECT")
    projects.set_list {}
    expect(projects.error()).is_nil()
  end)

  test.it("have a new name on the screen too", function()
    screen.open({ id = "p1", name = "Moon" }, { id = "s1", title = "One" })
    projects.put { id = "p1", name = "Luna" }
    expect(projects.current().name).is("Luna")
  end)

  test.it("say what belongs to the screen", function()
    expect(screen.is_open()).is(false)
    expect(screen.is_here { sessionId = "s1" }).is(false)
    screen.open({ id = "p1", name = "Moon" }, { id = "s1", title = "One" })
    expect(screen.is_here { sessionId = "s1" }).is(true)
    expect(screen.is_here { sessionId = "s2" }).is(false)
    expect(screen.project_name { sessionId = "s1" }).is("Moon")
    projects.close()
    expect(screen.is_open()).is(false)
  end)

  test.it("take their session from the screen when they are deleted", function()
    screen.open({ id = "p1", name = "Moon" }, { id = "s1", title = "One" })
    projects.put { id = "p2", name = "Mars" }
    local name, closed = projects.remove "p2"
    expect(name).is("Mars")
    expect(closed).is(false)
    expect(select(2, projects.remove "p1")).is(true)
    expect(screen.is_open()).is(false)
    expect(screen.project_name { sessionId = "s1" }).is_nil()
  end)
end)

test.describe("the user, the client and the system", function()
  test.before_each(stores.reset)

  test.it("keep preferences", function()
    user.log_in { id = "u1", name = "Ada", preferences = { theme = "dark" } }
    expect(user.preferences().theme).is("dark")
  end)

  test.it("prefer what was set here to what the server has, and that to the default", function()
    expect(user.preferences().theme).is("system")
    expect(user.preferences().notifications).equals { email = false, push = false, desktop = true }
    local theirs = {
      theme = "light", language = "de", notifications = { email = true, push = true, desktop = false },
    }
    user.set_preference("theme", "dark")
    user.set_preference("push", false)
    user.log_in { id = "u1", name = "Ada", preferences = theirs }
    expect(user.preferences()).equals {
      theme = "dark", language = "de", notifications = { email = true, push = false, desktop = false },
    }
  end)

  test.it("know who is logged in, and who was", function()
    expect(user.is_authenticated()).is(false)
    user.log_in({ id = "u1", name = "Ada" }, "ada@example.com")
    expect(user.is_authenticated()).is(true)
    user.set_profile { id = "u1", name = "Ada L." }
    expect(user.get().name).is("Ada L.")
    user.log_out()
    expect(user.is_authenticated()).is(false)
    expect(user.is_me "u1").is(true)
    expect(user.account().email).is("ada@example.com")
  end)

  test.it("hold the last error until it is cleared or the connection is there", function()
    app.set_error { code = "SERVER_ERROR", message = "broken", recoverable = true }
    expect(app.error().code).is("SERVER_ERROR")
    expect(app.error().recoverable).is(true)
    app.clear_error()
    expect(app.error()).is_nil()
    app.set_error { code = "SERVER_ERROR", message = "broken" }
    app.set_connection_state "connected"
    expect(app.error()).is_nil()
    app.set_loading(true)
    expect(app.is_loading()).is(true)
  end)

  test.it("count the attempts to connect again", function()
    app.set_connection_state "connected"
    app.set_connection_state "reconnecting"
    app.set_connection_state "reconnecting"
    local status = app.connection()
    expect(status.connected).is(false)
    expect(status.reconnecting).is(true)
    expect(status.attempts).is(2)
    expect(status.last_connected).is_close(os.time(), 15)
    app.set_connection_state "connected"
    expect(app.connection().attempts).is(0)
  end)

  test.it("know nothing of the system before its first report", function()
    expect(system.status()).is_nil()
    expect(system.health_tone(nil)).is("neutral")
    system.set_status { aiService = "unknown", memoryService = "healthy", activeUsers = 3 }
    expect(system.status().users).is(3)
    expect(system.health_tone(system.status().ai)).is("neutral")
  end)

  test.it("know a first connection from a later one", function()
    expect(app.set_connection_state "connected").is(false)
    app.set_connection_state "reconnecting"
    expect(app.store:get "connection").is("reconnecting")
    expect(app.set_connection_state "connected").is(true)
  end)

  test.it("look neither good nor bad with a word that nobody knows", function()
    expect(system.health_tone "healthy").is("good")
    expect(system.health_tone "down").is("bad")
    expect(system.health_tone "unknown").is("neutral")
    expect(system.health_tone "splendid").is("neutral")
  end)
end)

test.describe("a connection that is back", function()
  test.before_each(stores.reset)

  test.it("fetches what was missed, unless it has recovered", function()
    local real, fetched, heard = opening.catch_up, 0, nil
    opening.catch_up = function() fetched = fetched + 1 end
    require "handlers.connection" { on_state = function(_, fn) heard = fn end }
    local shown = printed(function()
      heard("connected", { recovered = false })
      heard("reconnecting", { recovered = false })
      heard("connected", { recovered = true })
    end)
    opening.catch_up = real
    expect(fetched).is(1)
    expect(shown).equals { "* connected", "* connected again" }
    expect(app.store:get "connection").is("connected")
  end)
end)

test.describe("the plain view", function()
  test.it("prints the system's status when it changes", function()
    stores.reset()
    local lines = printed(function()
      view.watch()
      for _, users in ipairs { 1, 1, 2 } do
        system.set_status { aiService = "healthy", memoryService = "unknown", activeUsers = users }
        task.sleep(0) -- the turn ends
      end
    end)
    expect(#lines).is(2)
    expect(lines[1]).is("* system: assistant healthy, memory unknown, active users: 1")
  end)
end)
