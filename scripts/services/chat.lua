-- Sessions and messages.
local api = require "services.api"
local types = require "types"

local M = {}

---@param project_id string
---@return ChatSession[]?
---@return tidelock.Error? err
function M.sessions(project_id)
  local path = ("/api/chat/projects/%s/sessions"):format(project_id)
  local data, err = api.request("GET", path, { gives_list = types.ChatSession })
  return data, err
end

---@param project_id string
---@return ChatSession?
---@return tidelock.Error? err
function M.create_session(project_id)
  local path = ("/api/chat/projects/%s/sessions"):format(project_id)
  return api.request("POST", path, { body = {}, gives = types.ChatSession })
end

---The first session of a project, made if there is none.
---@param project_id string
---@return ChatSession?
---@return tidelock.Error? err
function M.first_session(project_id)
  local sessions, err = M.sessions(project_id)
  if not sessions then return nil, err end
  if sessions[1] then return sessions[1] end
  return M.create_session(project_id)
end

---The latest messages, in the order in which they came.
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
---@param client_id string sending twice under one id makes one message
---@return { id: string }?
---@return tidelock.Error? err
function M.send(session_id, content, client_id)
  return api.request("POST", "/api/chat/messages", {
    body = { sessionId = session_id, content = content, clientId = client_id },
    gives = types.Sent,
  })
end

---@param message_id string
---@return any
---@return tidelock.Error? err
function M.delete(message_id) return api.request("DELETE", "/api/chat/messages/" .. message_id) end

return M
