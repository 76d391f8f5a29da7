-- /api/chat: the sessions of a project, and the messages of a session.
local config = require "config"
local data = require "data"
local failure = require "failure"
local frame = require "frame"
local json = require "tidelock.json"
local notify = require "notify"
local thinking = require "thinking"
local validate = require "validate"

local settings = {
  autoSave = validate.optional(validate.boolean()),
  memoryContext = validate.optional(validate.boolean()),
  aiAssistance = validate.optional(validate.boolean()),
}

local new_session = { title = validate.optional(validate.text { max = 100 }) }
local changed_session = { title = new_session.title, settings = validate.optional(validate.object(settings)) }

local content = validate.text { max = 8000 }
local new_message = {
  sessionId = validate.text { max = 50 },
  content = content,
  clientId = validate.optional(validate.text { max = 64 }),
  attachments = validate.optional(validate.list(validate.text { max = 50 }, config.limits.attachments)),
}

local function show_message(message) return message end

-- --- sessions -------------------------------------------------------------------------------

local function current_session(req) return data.show_session((data.session(req.user, req.params.id))) end

local function change_session(req, changes)
  local session = data.update_session(req.user, req.params.id, changes)
  local shown = data.show_session(session)
  notify.send(data.members_of(session), "session_updated", { session = shown })
  return shown
end

local function serve_sessions(srv)
  srv:get("/api/chat/projects/:id/sessions", frame.signed_in(function(req)
    return frame.page(req, data.sessions(req.user, req.params.id), data.show_session)
  end))
  srv:post("/api/chat/projects/:id/sessions", frame.signed_in(function(req)
    local fields = validate.fields(req.fields, new_session)
    local session = data.create_session(req.user, req.params.id, fields.title)
    return data.show_session(session), frame.created
  end, { once = "may" }))
  srv:get("/api/chat/sessions/:id", frame.signed_in(current_session))
  srv:put("/api/chat/sessions/:id", frame.signed_in(function(req)
    return change_session(req, validate.fields(req.fields, changed_session))
  end, { current = current_session }))
  srv:get("/api/chat/sessions/:id/settings", frame.signed_in(function(req)
    return current_session(req).settings
  end))
  srv:put("/api/chat/sessions/:id/settings", frame.signed_in(function(req)
    return change_session(req, { settings = validate.fields(req.fields, settings) }).settings
  end, { current = function(req) return current_session(req).settings end }))
  srv:delete("/api/chat/sessions/:id", frame.signed_in(function(req)
    local session, project = data.delete_session(req.user, req.params.id)
    notify.send(project.members, "session_deleted", { sessionId = session.id, projectId = project.id })
  end, { current = current_session }))
end

-- --- messages -------------------------------------------------------------------------------

-- The attachments that a message names; they are of its session.
local function named_attachments(session, ids)
  local found = {}
  for i, id in ipairs(ids) do
    for _, attachment in ipairs(session.attachments or {}) do
      if attachment.id == id then found[i] = attachment end
    end
    if not found[i] then failure.invalid { ("attachments entry %d is none of this session"):format(i) } end
  end
  return found
end

local function send_message(req)
  local fields = validate.fields(req.fields, new_message)
  local session, project = data.session(req.user, fields.sessionId)
  local before = data.sent_before(session, req.user, fields.clientId)
  if before then return before end
  local attached = fields.attachments and json.array(named_attachments(session, fields.attachments))
  local message = data.add_message(session, {
    userId = req.user, content = fields.content, type = "user", clientId = fields.clientId,
    metadata = attached and { attachments = attached } or nil,
  })
  notify.send(project.members, "new_message", message)
  thinking.answer(message, session, project)
  return message, frame.created
end

local function place_of(list, id)
  for i, message in ipairs(list) do
    if message.id == id then return i end
  end
  return failure.not_found("message")
end

-- The messages before or after one, nearest to it, in the order in which they came.
local function page_beside(req, list)
  local before, after = req.query.before, req.query.after
  local _, limit = validate.paging(req.query, config.limits.page)
  local at = place_of(list, before or after)
  local first = before and math.max(1, at - limit) or at + 1
  local last = before and at - 1 or math.min(#list, at + limit)
  local entries = json.array {}
  for i = first, last do entries[#entries + 1] = show_message(list[i]) end
  return entries, { headers = {
    ["X-More"] = ((before and first > 1) or (not before and last < #list)) and "true" or "false",
  } }
end

local function serve_messages(srv)
  -- Page 1 holds the newest messages, in the order in which they came.
  srv:get("/api/chat/sessions/:id/messages", frame.signed_in(function(req)
    local session = data.session(req.user, req.params.id)
    if req.query.before or req.query.after then return page_beside(req, session.messages) end
    return frame.page(req, session.messages, show_message, true)
  end))
  srv:post("/api/chat/messages", frame.signed_in(send_message, { once = "may" }))
  srv:put("/api/chat/messages/:id", frame.signed_in(function(req)
    local fields = validate.fields(req.fields, { content = content })
    local message, session = data.edit_message(req.user, req.params.id, fields.content)
    notify.send(data.members_of(session), "message_updated", message)
    return message
  end, { current = function(req) return (data.message(req.user, req.params.id)) end }))
  srv:delete("/api/chat/messages/:id", frame.signed_in(function(req)
    local message, session = data.delete_message(req.user, req.params.id)
    notify.send(data.members_of(session), "message_deleted", {
      messageId = message.id, sessionId = session.id,
    })
  end))
end

return function(srv)
  serve_sessions(srv)
  serve_messages(srv)
end
