-- /api/chat: the sessions of a project, and the messages of a session.
local data = require "data"
local frame = require "frame"
local notify = require "notify"
local thinking = require "thinking"
local validate = require "validate"

local new_session = { title = validate.optional(validate.text { max = 100 }) }

local new_message = {
  sessionId = validate.text { max = 50 },
  content = validate.text { max = 8000 },
  clientId = validate.optional(validate.text { max = 64 }),
}

local function show_message(message) return message end

local function send_message(req)
  local fields = validate.fields(req.fields, new_message)
  local session, project = data.session(req.user, fields.sessionId)
  local before = data.sent_before(session, req.user, fields.clientId)
  if before then return before end
  local message = data.add_message(session, {
    userId = req.user, content = fields.content, type = "user", clientId = fields.clientId,
  })
  notify.send(project.members, "new_message", message)
  thinking.answer(message, session, project)
  return message, frame.created
end

return function(srv)
  srv:get("/api/chat/projects/:id/sessions", frame.signed_in(function(req)
    return frame.page(req, data.sessions(req.user, req.params.id), data.show_session)
  end))

  srv:post("/api/chat/projects/:id/sessions", frame.signed_in(function(req)
    local fields = validate.fields(req.fields, new_session)
    local session = data.create_session(req.user, req.params.id, fields.title)
    return data.show_session(session), frame.created
  end))

  -- Page 1 holds the newest messages, in the order in which they came.
  srv:get("/api/chat/sessions/:id/messages", frame.signed_in(function(req)
    local session = data.session(req.user, req.params.id)
    return frame.page(req, session.messages, show_message, true)
  end))

  srv:post("/api/chat/messages", frame.signed_in(send_message))

  srv:delete("/api/chat/messages/:id", frame.signed_in(function(req)
    local message, session = data.delete_message(req.user, req.params.id)
    notify.send(data.members_of(session), "message_deleted", {
      messageId = message.id, sessionId = session.id,
    })
  end))
end
