-- Opening a project: its first session is the one on the screen.
local chat = require "stores.chat"
local config = require "config"
local connection = require "connection"
local errors = require "tidelock.errors"
local known = require "stores.projects"
local projects = require "services.projects"
local service = require "services.chat"
local state = require "state"
local view = require "views.plain"

local M = {}

-- A message that came through while we did not hear of it.
local function note(message)
  local new = chat.received(message)
  if message.status == "processed" then chat.answered(message.clientId) end
  if new then view.message(message) end
end

-- The session was deleted, or the server has started anew: then the first project it is.
local function gone()
  view.show "SESSION_GONE"
  known.close()
  local ok, err = M.open_first()
  if not ok then view.error(err) end
end

---Shows what the session has and the screen has not.
function M.catch_up()
  local session = state.session()
  if not session then return end
  local messages, err = service.messages(session.id, config.history)
  if errors.is(err, "NOT_FOUND") then return gone() end
  if not messages then return view.error(err) end
  if not state.is_here { sessionId = session.id } then return end
  for _, message in ipairs(messages) do note(message) end
end

---@param project Project
---@return true?
---@return tidelock.Error? err
function M.open(project)
  local session, err = service.first_session(project.id)
  if not session then return nil, err end
  state.open(project, session)
  view.show("OPENED", { project = project.name, session = session.title })
  if connection.connected then M.catch_up() end
  return true
end

---@return true?
---@return tidelock.Error? err
function M.open_first()
  local list, err = projects.list()
  if not list then return nil, err end
  if list[1] then return M.open(list[1]) end
  view.show "NO_PROJECTS"
  return true
end

return M
