-- A server that knows the paths and events of the chat, but is not quite well: half of what it
-- sends is not as it should be.
local env = require "tidelock.env"
local json = require "tidelock.json"
local server = require "tidelock.server"

local NOW = "2024-05-01T12:30:00Z"

local function made(fields)
  fields.createdAt, fields.updatedAt = NOW, NOW
  return fields
end

local function message(id, content)
  return made {
    id = id, sessionId = "s1", userId = "u2", userName = "Bob", content = content, type = "user",
    status = "sent",
  }
end

local project = made { id = "p1", name = "Moon", status = "frozen", priority = "low" }
local srv = assert(server.listen("odd", { port = tonumber(env.get("PORT", "0")) }))

local function answer(method, path, data)
  srv[method](srv, path, function() return { success = true, data = data } end)
end

answer("post", "/api/auth/login", { user = { id = "u1", name = "Ada" }, token = "t", refreshToken = "r" })
answer("get", "/api/projects", json.array { { id = "p0", name = { "no text" } }, project })
answer("get", "/api/chat/projects/:id/sessions",
  json.array { 7, made { id = "s1", projectId = "p1", title = "One" } })
answer("get", "/api/chat/sessions/:id/messages",
  json.array { message("m1", "first"), message("m2", json.array { 1 }), "m3" })

local events = {
  "new_message", "message_processed", "message_deleted", "typing_indicator", "ai_processing_start",
  "ai_processing_progress", "ai_processing_end", "ai_processing_error", "project_created",
  "project_updated", "project_deleted", "system_status_update", "error_occurred",
}
local payloads = { json.array {}, json.object {}, "text", -1, true, { id = {}, project = 3, response = {} } }

srv:io():on("connection", function(sock)
  for _, event in ipairs(events) do
    for _, payload in ipairs(payloads) do sock:emit(event, payload) end
    sock:emit(event)
  end
  sock:emit("new_message", message("m9", "last"))
end)
