-- The services against the demo's backend would need its modules: here a fake one shows what is sent.
local test = require "tidelock.test"
local config = require "config"
config.api_url, config.ws_url = "http://api.test", "http://api.test"
local api = require "services.api"
local attachments = require "services.attachments"
local chat = require "services.chat"
local projects = require "services.projects"
local stores = require "stores.all"
local expect = test.expect

local NOW = "2024-05-01T12:30:00Z"
local session = { id = "s1", projectId = "p1", title = "One", createdAt = NOW, updatedAt = NOW }
local settings = { autoSave = true, memoryContext = true, aiAssistance = false }
local message = {
  id = "m1", sessionId = "s1", userId = "u1", content = "hi", type = "user", status = "sent",
  createdAt = NOW, updatedAt = NOW,
}
local project = {
  id = "p1", name = "A", status = "active", priority = "high", createdAt = NOW, updatedAt = NOW,
}

local function ok(data) return { success = true, data = data } end

test.describe("the services of chat and files", function()
  local srv

  local function last() return srv.requests[#srv.requests] end

  test.before_each(function()
    stores.reset()
    srv = test.server {
      host = "api.test",
      routes = {
        ["POST /api/projects"] = function(req)
          expect(req:json().tags[1]).is "a"
          return ok(project)
        end,
        ["POST /api/chat/projects/:id/sessions"] = function() return ok(session) end,
        ["PUT /api/chat/sessions/:id"] = function() return ok(session) end,
        ["DELETE /api/chat/sessions/:id"] = function() return ok(nil) end,
        ["GET /api/chat/sessions/:id/settings"] = function() return ok(settings) end,
        ["PUT /api/chat/sessions/:id/settings"] = function() return ok(settings) end,
        ["GET /api/chat/sessions/:id/messages"] = function() return ok { message } end,
        ["POST /api/chat/messages"] = function() return ok(message) end,
        ["PUT /api/chat/messages/:id"] = function() return ok(message) end,
        ["GET /api/attachments/:id"] = { body = "\0{}", headers = { ["Content-Type"] = "application/json" } },
      },
    }
  end)

  test.it("make what is wanted once, by a key", function()
    expect(projects.create { name = "A", priority = "high", tags = { "a" } }.priority).is "high"
    expect(#last().headers["idempotency-key"] > 20).is_true()
    chat.send("s1", "hi", "c1", { "a1" })
    expect(last().headers["idempotency-key"]).contains "c1"
    expect(last().body).contains '"attachments":["a1"]'
  end)

  test.it("make, rename, set and delete sessions", function()
    expect(chat.create_session("p1", "One").title).is "One"
    expect(last().body).is '{"title":"One"}'
    chat.create_session "p1"
    expect(last().body).is "{}"
    expect(chat.update_session("s1", { title = "One" }).id).is "s1"
    expect(chat.settings("s1").aiAssistance).is(false)
    expect(chat.update_settings("s1", { aiAssistance = false }).autoSave).is(true)
    expect(chat.delete_session "s1").is(true)
  end)

  test.it("edit messages, and list them both ways", function()
    expect(chat.edit("m1", "hi").content).is "hi"
    chat.messages("s1", 5, { before = "m9" })
    expect(last().query).equals { before = "m9", limit = "5" }
    chat.messages("s1", 5, { after = "m1" })
    expect(last().query.after).is "m1"
  end)

  test.it("take of a file its bytes, whatever they are called", function()
    expect(api.download "/api/attachments/a1").is "\0{}"
    expect(select(2, api.download "/api/attachments/a1/x").code).is "NOT_FOUND"
  end)

  test.it("read no file that nobody has allowed", function()
    local made, err = attachments.upload("s1", "a.txt")
    expect(made).is_nil()
    expect(err.code).is "DENIED"
  end)
end)
