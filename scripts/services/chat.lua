-- Sessions and messages.
local api = require "services.api"
local store = require "stores.chat"
local types = require "types"

local M = {}

---@param project_id string
---@return ChatSession[]?
---@return tidelock.Error? err
function M.sessions(project_id)
  local path = ("/api/chat/projects/%s/sessions"):format(project_id)
  local data, err = api.request("GET", path, { gives_list = types.ChatSession })
  if data then store.set_sessions(project_id, data) end
  return data, err
end

---@param project_id string
---@return ChatSession?
---@return tidelock.Error? err
function M.create_session(project_id)
  local path = ("/api/chat/projects/%s/sessions"):format(project_id)
  return api.request("POST", path, { body = {}, gives = types.ChatSession })
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

---The latest messages, the oldest first.
---@param session_id string
---@param limit integer
---@return Message[]?
---@return tidelock.Error? err
function M.messages(session_id, limit)
  local path = ("/api/chat/sessions/%s/messages"):format(session_id)
  local data, err = api.request("GET", path, {
    query = { limit = limit }, gives_list = types.Message,
  })
  return data, err
end

---@param session_id string
---@param content string
---@param client_id string sending twice with the same id creates one message
---@return Message|{ id: string }? sent the message, or its id alone
---@return tidelock.Error? err
function M.send(session_id, content, client_id)
  return api.request("POST", "/api/chat/messages", {
    body = { sessionId = session_id, content = content, clientId = client_id },
    gives = types.Sent,
  })
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
