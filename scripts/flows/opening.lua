-- Opens a project, with the session that was open last or its first one, and fetches its messages.
local chat = require "stores.chat"
local config = require "config"
local connection = require "connection"
local errors = require "tidelock.errors"
local known = require "stores.projects"
local projects = require "services.projects"
local screen = require "screen"
local service = require "services.chat"
local view = require "views.plain"

local M = {}

-- Leaves a session that the server no longer has. Its unsent lines stay, as refused ones.
local function leave_lost_session(session_id)
  view.show "SESSION_GONE"
  local failed = chat.drop_lost_session(session_id)
  known.close()
  for _, line in ipairs(failed) do view.not_sent(line) end
  if #failed > 0 then view.show "SEND_AGAIN" end
end

-- Leaves a session that the server no longer has, and opens another one.
local function open_another(session_id)
  leave_lost_session(session_id)
  local ok, err = M.open_last()
  if not ok then view.error(err) end
end

---Fetches the latest messages of the session, and shows those that are new.
function M.catch_up()
  local session = screen.session()
  if not session then return end
  local before = chat.stored_messages(session.id)
  local messages, err = service.messages(session.id, config.catch_up)
  if errors.is(err, "NOT_FOUND") then return open_another(session.id) end
  if not messages then return view.error(err) end
  view.messages(chat.merge_fetched(session.id, messages, before))
end

---Shows the stored messages of the session, once since the start.
function M.show_stored()
  local session = screen.session()
  if not session or not chat.needs_first_render(session.id) then return end
  view.messages(chat.messages(session.id))
end

---@param project Project
---@param session_id? string the wanted session; the first one when it is gone
---@return true?
---@return tidelock.Error? err
function M.open(project, session_id)
  local session, err = service.session(project.id, session_id)
  if not session then return nil, err end
  if session_id and session.id ~= session_id then leave_lost_session(session_id) end
  screen.open(project, session)
  view.show("OPENED", { project = project.name, session = session.title })
  M.show_stored()
  if connection.connected then M.catch_up() end
  return true
end

---Opens the project and session that were open last, or the first project.
---@return true?
---@return tidelock.Error? err
function M.open_last()
  local list, err = projects.list()
  if not list then return nil, err end
  local session = screen.session()
  for _, project in ipairs(session and list or {}) do
    if project.id == session.project then return M.open(project, session.id) end
  end
  if session then leave_lost_session(session.id) end
  if list[1] then return M.open(list[1]) end
  view.show "NO_PROJECTS"
  return true
end

return M
