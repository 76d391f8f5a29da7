-- What is on the screen: a project and one of its sessions. Two stores hold these; this file is the
-- only one that combines them.
local chat = require "stores.chat"
local projects = require "stores.projects"

local M = {}

---@param project Project|{ id: string, name: string }
---@param session ChatSession|{ id: string, title: string }
function M.open(project, session)
  projects.open(project)
  chat.open(session, project.id)
end

---The session on the screen; nil when its project is no longer open.
---@return { id: string, title: string, project: string }? a view
function M.session()
  local project, session = projects.current(), chat.session()
  return project and session and session.project == project.id and session or nil
end

---@return boolean
function M.is_open() return M.session() ~= nil end

---Whether an event belongs to what is on the screen.
---@param event { sessionId: string }
---@return boolean
function M.is_here(event)
  local session = M.session()
  return session ~= nil and event.sessionId == session.id
end

---The name of the project that a session belongs to, if it was open.
---@param event { sessionId: string }
---@return string?
function M.project_name(event) return projects.name(chat.project_of(event.sessionId)) end

return M
