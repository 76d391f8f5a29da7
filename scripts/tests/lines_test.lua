-- Typed lines: how the chat's store holds them, and how the flow processes them.
local test = require "tidelock.test"
local app = require "stores.app"
local chat = require "stores.chat"
local commands = require "flows.commands"
local config = require "config"
local lines = require "flows.lines"
local projects = require "stores.projects"
local screen = require "screen"
local stores = require "stores.all"
local task = require "tidelock.task"
local user = require "stores.user"
local expect = test.expect

local function message(fields)
  local made = {
    id = "m1", sessionId = "s1", userId = "u1", userName = "Ada", content = "hello", type = "user",
    status = "sent", createdAt = 100,
  }
  for name, value in pairs(fields) do made[name] = value end
  return made
end

local function begin()
  stores.reset()
  user.log_in({ id = "u1", name = "Ada" }, "ada@example.com")
  screen.open({ id = "p1", name = "Moon" }, { id = "s1", title = "One" })
end

local function type_line(id, session)
  chat.enqueue { id = id, time = 100, content = "hello", session = session }
end

-- The ids and statuses of what the session looks like.
local function looks(session)
  local found = {}
  for i, each in ipairs(chat.messages(session or "s1")) do found[i] = each.id .. " " .. each.status end
  return table.concat(found, ", ")
end

test.describe("a message that is sent", function()
  test.before_each(begin)

  test.it("is there at once, under its own id, sending", function()
    type_line("c1", "s1")
    expect(looks()).is("c1 sending")
    local shown = chat.messages("s1")[1]
    expect(shown.userId).is("u1")
    expect(shown.userName).is("Ada")
    expect(shown.content).is("hello")
    expect(looks "s2").is("")
  end)

  test.it("is the server's when the event comes before the answer", function()
    type_line("c1", "s1")
    expect(chat.add_message(message { clientId = "c1" })).is(true)
    expect(looks()).is("m1 sent")
    expect(chat.mark_accepted("c1", message { clientId = "c1" })).is_nil()
    expect(looks()).is("m1 sent")
  end)

  test.it("is the server's when the answer comes before the event", function()
    type_line("c1", "s1")
    expect(chat.mark_accepted("c1", message { clientId = "c1" }).id).is("m1")
    expect(looks()).is("m1 sent")
    expect(chat.add_message(message { clientId = "c1" })).is(false)
    expect(looks()).is("m1 sent")
  end)

  test.it("is the server's when the answer has its id alone", function()
    type_line("c1", "s1")
    expect(chat.mark_accepted("c1", { id = "m1" }).content).is("hello")
    expect(looks()).is("m1 sent")
    expect(chat.add_message(message { clientId = "c1", status = "delivered" })).is(false)
    expect(looks()).is("m1 delivered")
  end)

  test.it("comes after what is held, whatever its time", function()
    type_line("c1", "s1")
    chat.add_message(message { id = "m9", userId = "u2", createdAt = 900 })
    expect(looks()).is("m9 sent, c1 sending")
  end)

  test.it("that is refused stays, with the reason, until it is sent again", function()
    type_line("c1", "s1")
    chat.mark_sending("c1", "s1")
    chat.mark_refused("c1", { code = "TOO_LARGE", message = "no" })
    expect(looks()).is("c1 failed")
    expect(chat.messages("s1")[1].error.code).is("TOO_LARGE")
    expect(chat.next_line()).is_nil()
    expect(chat.is_idle()).is(true)
    expect(chat.count_refused()).is(1)
    expect(chat.retry_refused()).is(1)
    expect(looks()).is("c1 sending")
    expect(chat.next_line().id).is("c1")
    expect(chat.retry_refused()).is(0)
  end)

  test.it("that is refused can be discarded, and those that wait stay", function()
    type_line("c1", "s1")
    type_line("c2", "s1")
    chat.mark_refused("c1", { code = "TOO_LARGE", message = "no" })
    expect(chat.discard_refused()).is(1)
    expect(looks()).is("c2 sending")
  end)

  test.it("goes nowhere else when its session is gone, until it is sent again", function()
    type_line("c1", "s1")
    type_line("c2", "s2")
    chat.add_message(message { id = "m1", userId = "u2" })
    local failed = chat.drop_lost_session "s1"
    expect(#failed).is(1)
    expect(failed[1].id).is("c1")
    expect(screen.session()).is_nil()
    expect(chat.next_line().id).is("c2")
    expect(#chat.messages "s1").is(0)
    expect(chat.project_of "s1").is_nil()
    expect(#chat.drop_lost_session "s1").is(0)
    chat.retry_refused()
    expect(chat.next_line().id).is("c1")
    expect(chat.next_line().session).is_nil()
  end)

  test.it("is the same table twice while nothing changes", function()
    type_line("c1", "s1")
    expect(rawequal(chat.messages "s1", chat.messages "s1")).is(true)
    local before = chat.messages "s1"
    chat.add_message(message { clientId = "c1" })
    expect(rawequal(chat.messages "s1", before)).is(false)
  end)
end)

test.describe("what is on its way", function()
  test.before_each(begin)

  test.it("is idle when all is sent and answered", function()
    expect(chat.is_idle()).is(true)
    type_line("c1", "s1")
    expect(chat.is_idle()).is(false)
    chat.mark_sending("c1", "s1")
    chat.add_message(message { clientId = "c1" })
    expect(#chat.lines()).is(0)
    expect(chat.is_idle()).is(false)
    chat.mark_answered "another"
    expect(chat.count_unanswered()).is(1)
    chat.mark_answered "c1"
    expect(chat.is_idle()).is(true)
  end)

  test.it("is idle too when the end of the answer is lost", function()
    local limit = config.assistant_timeout
    config.assistant_timeout = 0
    type_line("c1", "s1")
    chat.mark_sending("c1", "s1")
    chat.add_message(message { clientId = "c1" })
    chat.expire()
    config.assistant_timeout = limit
    expect(chat.is_idle()).is(true)
  end)

  test.it("loses nothing to messages that others sent", function()
    type_line("c1", "s1")
    chat.remove_line(nil)
    chat.remove_line "c2"
    chat.mark_answered(nil)
    chat.add_message(message { userId = "u2" })
    expect(#chat.lines()).is(1)
  end)

  test.it("is forgotten with another user's state, but for what was typed since", function()
    type_line("c1", "s1")
    chat.enqueue { id = "c2", time = 200, content = "mine" }
    chat.add_message(message { userId = "u2" })
    user.set_preference("theme", "dark")
    stores.forget(200)
    expect(#chat.lines()).is(1)
    expect(chat.lines()[1].id).is("c2")
    expect(#chat.messages "s1").is(0)
    expect(#projects.list()).is(0)
    expect(user.preferences().theme).is("system")
    expect(user.get().name).is("Ada")
  end)
end)

test.describe("a typed line", function()
  test.before_each(begin)

  test.it("belongs to the session on the screen", function()
    app.mark_ready()
    lines.submit "hello"
    expect(chat.lines()[1].session).is("s1")
    expect(chat.messages("s1")[1].content).is("hello")
  end)

  test.it("belongs where the start ends up, before the server has said what there is", function()
    lines.submit "hello"
    expect(chat.lines()[1].session).is_nil()
    expect(#chat.messages "s1").is(0)
  end)

  test.it("belongs where the commands before it lead", function()
    app.mark_ready()
    lines.submit "/open Mars"
    lines.submit "hello"
    expect(chat.lines()[1].command).is("/open Mars")
    expect(chat.lines()[2].session).is_nil()
  end)

  test.it("belongs where a command that is under way leads", function()
    local real, ended = commands.run, false
    commands.run = function()
      task.sleep(0)
      lines.submit "hello"
      task.sleep(0)
      ended = true
    end
    app.mark_ready()
    app.mark_started()
    lines.submit "/open Mars"
    while not ended do task.sleep(0) end
    commands.run = real
    expect(chat.lines()[1].content).is("hello")
    expect(chat.lines()[1].session).is_nil()
    task.sleep(0)
    lines.submit "again"
    expect(chat.lines()[2].session).is("s1")
  end)
end)

test.describe("messages that are fetched", function()
  test.before_each(begin)

  local function receive(...)
    for _, id in ipairs { ... } do
      chat.add_message(message { id = id, userId = "u2", createdAt = tonumber(id:match "%d+") })
    end
  end
  local function fetch(before, ...)
    local list = {}
    for i, id in ipairs { ... } do
      list[i] = message { id = id, userId = "u2", createdAt = tonumber(id:match "%d+") }
    end
    local new = chat.merge_fetched("s1", list, before)
    for i, each in ipairs(new) do new[i] = each.id end
    return table.concat(new, " ")
  end
  local function held()
    local ids = {}
    for i, each in ipairs(chat.messages "s1") do ids[i] = each.id end
    return table.concat(ids, " ")
  end

  test.it("are merged by their id: the new ones are returned", function()
    receive("m1", "m2", "m3")
    expect(fetch(chat.stored_messages "s1", "m2", "m3", "m4")).is("m4")
    expect(held()).is("m1 m2 m3 m4")
  end)

  test.it("take away what was deleted meanwhile, and nothing that is older", function()
    receive("m1", "m2", "m3", "m4")
    expect(fetch(chat.stored_messages "s1", "m2", "m4")).is("")
    expect(held()).is("m1 m2 m4")
  end)

  test.it("leave no gap: what is older than one goes", function()
    receive("m1", "m2")
    expect(fetch(chat.stored_messages "s1", "m8", "m9")).is("m8 m9")
    expect(held()).is("m8 m9")
    expect(fetch(chat.stored_messages "s1")).is("")
    expect(held()).is("")
  end)

  test.it("stand before what came while they were on their way, which stays", function()
    receive("m1")
    local before = chat.stored_messages "s1"
    receive("m5")
    expect(fetch(before, "m1", "m2", "m3")).is("m2 m3")
    expect(held()).is("m1 m2 m3 m5")
  end)

  test.it("are ours when they were sent and not answered", function()
    type_line("c1", "s1")
    chat.mark_sending("c1", "s1")
    chat.merge_fetched("s1", { message { clientId = "c1", status = "processed" } })
    expect(looks()).is("m1 processed")
    expect(chat.is_idle()).is(true)
  end)
end)

test.describe("what is held of a session", function()
  test.before_each(begin)

  test.it("is shown once since the start", function()
    expect(chat.needs_first_render "s1").is(true)
    expect(chat.needs_first_render "s1").is(false)
    expect(chat.needs_first_render "s2").is(true)
  end)

  test.it("goes when fifty others were used since", function()
    for i = 2, 50 do chat.add_message(message { sessionId = "s" .. i }) end
    chat.add_message(message { sessionId = "s2", id = "again" })
    chat.add_message(message { sessionId = "s51" })
    chat.add_message(message { sessionId = "s52" })
    expect(#chat.messages "s2").is(2)
    expect(#chat.messages "s3").is(0)
  end)

  test.it("is known by project, as last listed", function()
    expect(#chat.sessions "p1").is(0)
    chat.set_sessions("p1", { { id = "s1", title = "One" }, { id = "s2", title = "Two" } })
    expect(chat.sessions("p1")[2].title).is("Two")
  end)
end)
