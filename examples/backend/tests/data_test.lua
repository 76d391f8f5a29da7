local test = require "tidelock.test"
local config = require "config"
local data = require "data"
local failure = require "failure"
local expect = test.expect

local function fails(code, fn, ...)
  local ok, err = pcall(fn, ...)
  expect(ok).is(false)
  if not failure.is(err) then error(err, 0) end
  expect(err.code).is(code)
  return err
end

test.describe("data", function()
  test.before_each(data.reset)

  test.it("starts with the projects of the configuration", function()
    expect(#data.projects("u1")).is(#config.projects)
    expect(data.projects("u1")[1].name).is("Welcome")
    expect(#data.projects("u2")).is(0)
  end)

  test.it("hides from a user what is another's", function()
    local project = data.create_project("u2", { name = "Secret" })
    local session = data.create_session("u2", project.id)
    data.add_message(session, { userId = "u2", content = "psst", type = "user" })
    fails("NOT_FOUND", data.project, "u1", project.id)
    fails("NOT_FOUND", data.update_project, "u1", project.id, { name = "Mine" })
    fails("NOT_FOUND", data.delete_project, "u1", project.id)
    fails("NOT_FOUND", data.sessions, "u1", project.id)
    fails("NOT_FOUND", data.create_session, "u1", project.id)
    fails("NOT_FOUND", data.session, "u1", session.id)
    fails("NOT_FOUND", data.delete_message, "u1", session.messages[1].id)
    expect(data.project("u2", project.id).name).is("Secret")
  end)

  test.it("shows no one the list of members as it is kept", function()
    local shown = data.show_project(data.projects("u1")[1])
    expect(shown.members).is_nil()
    expect(shown.collaborators).equals { { id = "u1", name = "Demo" } }
  end)

  test.it("lets a member read and write, but not delete the project", function()
    local project = data.create_project("u1", { name = "Ours" })
    table.insert(project.members, "u2")
    local session = data.create_session("u2", project.id)
    expect(data.session("u1", session.id).id).is(session.id)
    local mine = data.add_message(session, { userId = "u1", content = "one", type = "user" })
    local theirs = data.add_message(session, { userId = "u2", content = "two", type = "user" })
    fails("PERMISSION_ERROR", data.delete_project, "u2", project.id)
    fails("PERMISSION_ERROR", data.delete_message, "u2", mine.id)
    expect(data.delete_message("u1", theirs.id).content).is("two")
    expect(#session.messages).is(1)
  end)

  test.it("takes a project's sessions away with it", function()
    local project = data.projects("u1")[1]
    local session = data.create_session("u1", project.id)
    data.delete_project("u1", project.id)
    fails("NOT_FOUND", data.session, "u1", session.id)
    fails("NOT_FOUND", data.project, "u1", project.id)
  end)

  test.it("changes the settings that are named, and keeps the others", function()
    local id = data.projects("u1")[1].id
    local project = data.update_project("u1", id, { name = "New", settings = { autoSave = false } })
    expect(project.name).is("New")
    expect(project.settings.autoSave).is(false)
    expect(project.settings.aiAssistance).is(true)
  end)

  test.it("finds what a client has sent before, under the user's own id alone", function()
    local session = data.create_session("u1", data.projects("u1")[1].id)
    local sent = data.add_message(session,
      { userId = "u1", content = "x", type = "user", clientId = "c1" })
    expect(data.sent_before(session, "u1", "c1")).is(sent)
    expect(data.sent_before(session, "u2", "c1")).is_nil()
    expect(data.sent_before(session, "u1", "c2")).is_nil()
    expect(data.sent_before(session, "u1", nil)).is_nil()
  end)

  test.it("stops at its limits", function()
    local limits = config.limits
    local session = data.create_session("u1", data.projects("u1")[1].id)
    local text = { userId = "u1", content = "x", type = "user" }
    for _ = 1, limits.messages do data.add_message(session, text) end
    fails("LIMIT_REACHED", data.add_message, session, text)
    for _ = 1, limits.projects do data.create_project("u2", { name = "p" }) end
    fails("LIMIT_REACHED", data.create_project, "u2", { name = "one more" })
  end)

  test.it("never gives an id twice", function()
    local seen = {}
    local session = data.create_session("u1", data.projects("u1")[1].id)
    for _ = 1, 20 do
      local message = data.add_message(session, { userId = "u1", content = "x", type = "user" })
      expect(seen[message.id]).is_nil()
      seen[message.id] = true
      data.delete_message("u1", message.id)
    end
  end)
end)
