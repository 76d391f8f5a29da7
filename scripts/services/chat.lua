-- Sessions and messages.
local api = require "services.api"
local json = require "tidelock.json"
local random = require "tidelock.random"
local store = require "stores.chat"
local types = require "types"

local M = {}

---@param project_id string
---@return ChatSession[]?
---@return tidelock.Error? err
function M.sessions(project_id)
  local path = ("/api/chat/projects/%s/sessions"):format(project_id)
  local data, err = api.list(path, { query = { limit = 100 }, gives_list = types.ChatSession })
  if data then store.set_sessions(project_id, data) end
  return data, err
end

---@param project_id string
---@param title? string
---@return ChatSession?
---@return tidelock.Error? err
function M.create_session(project_id, title)
  local path = ("/api/chat/projects/%s/sessions"):format(project_id)
  return api.request("POST", path, {
    body = json.object { title = title }, key = random.uuid(), gives = types.ChatSession,
  })
end

---@param session_id string
---@param changes { title?: string, settings?: SessionSettings }
---@return ChatSession?
---@return tidelock.Error? err
function M.update_session(session_id, changes)
  return api.request("PUT", "/api/chat/sessions/" .. session_id, {
    body = changes, gives = types.ChatSession,
  })
end

---@param session_id string
---@return true?
---@return tidelock.Error? err
function M.delete_session(session_id)
  local _, err = api.request("DELETE", "/api/chat/sessions/" .. session_id)
  return not err or nil, err
end

---@param session_id string
---@return SessionSettings?
---@return tidelock.Error? err
function M.settings(session_id)
  return api.request("GET", ("/api/chat/sessions/%s/settings"):format(session_id), {
    gives = types.SessionSettings,
  })
end

---@param session_id string
---@param changes table of SessionSettings
---@return SessionSettings?
---@return tidelock.Error? err
function M.update_settings(session_id, changes)
  return api.request("PUT", ("/api/chat/sessions/%s/settings"):format(session_id), {
    body = changes, gives = types.SessionSettings,
  })
end

---The wanted session of a project, else its first one, else a new one.
---@param project_id string
---@param wanted? string session id
---@return ChatSession?
---@return tidelock.Error? err
function M.session(project_id, wanted)
  local sessions, err = M.sessions(project_id)
  if not sessions then return nil, err end
  for _, session in ipairs(sessions) do
    if session.id == wanted then return session end
  end
  if sessions[1] then return sessions[1] end
  return M.create_session(project_id)
end

---Messages, the oldest first: the latest, or those right before or after one.
---@param session_id string
---@param limit integer
---@param beside? { before?: string, after?: string } the id of a message
---@return Message[]?
---@return tidelock.Error? err
function M.messages(session_id, limit, beside)
  return api.request("GET", ("/api/chat/sessions/%s/messages"):format(session_id), {
    query = { limit = limit, before = beside and beside.before, after = beside and beside.after },
    gives_list = types.Message,
  })
end

---@param session_id string
---@param content string
---@param client_id string sending twice with the same id creates one message
---@param attachments? string[] ids
---@return Message|{ id: string }? sent the message, or its id alone
---@return tidelock.Error? err
function M.send(session_id, content, client_id, attachments)
  return api.request("POST", "/api/chat/messages", {
    body = {
      sessionId = session_id, content = content, clientId = client_id,
      attachments = attachments and json.array(attachments),
    },
    key = client_id, retries = 0, gives = types.Sent, -- flows/lines.lua tries again
  })
end

---@param message_id string
---@param content string
---@return Message?
---@return tidelock.Error? err
function M.edit(message_id, content)
  local message, err = api.request("PUT", "/api/chat/messages/" .. message_id, {
    body = { content = content }, gives = types.Message,
  })
  if message then store.add_message(message) end
  return message, err
end

---@param session_id string
---@param message_id string
---@return true?
---@return tidelock.Error? err
function M.delete(session_id, message_id)
  local _, err = api.request("DELETE", "/api/chat/messages/" .. message_id)
  if err then return nil, err end
  store.mark_deleted { sessionId = session_id, messageId = message_id }
  return true
end

return M
