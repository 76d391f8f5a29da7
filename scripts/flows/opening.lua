-- Opening a project: the session that was open last, or its first one, is on the screen then.
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

-- The session was deleted, or the server has started anew. What was typed for it stays here.
local function lose(session_id)
  view.show "SESSION_GONE"
  local failed = chat.lost(session_id)
  known.close()
  for _, line in ipairs(failed) do view.not_sent(line) end
  if #failed > 0 then view.show "SEND_AGAIN" end
end

-- Then it is the first project.
local function gone(session_id)
  lose(session_id)
  local ok, err = M.open_last()
  if not ok then view.error(err) end
end

---Shows what the session has and the screen has not.
function M.catch_up()
  local session = screen.session()
  if not session then return end
  local before = chat.held(session.id)
  local messages, err = service.messages(session.id, config.catch_up)
  if errors.is(err, "NOT_FOUND") then return gone(session.id) end
  if not messages then return view.error(err) end
  view.messages(chat.fetched(session.id, messages, before))
end

---Shows what is held of the session, if that was not done since the start.
function M.show_held()
  local session = screen.session()
  if not session or not chat.show_first(session.id) then return end
  view.messages(chat.messages(session.id))
end

---@param project Project
---@param session_id? string the session that is wanted; the first one when there is no such
---@return true?
---@return tidelock.Error? err
function M.open(project, session_id)
  local session, err = service.session(project.id, session_id)
  if not session then return nil, err end
  if session_id and session.id ~= session_id then lose(session_id) end
  screen.open(project, session)
  view.show("OPENED", { project = project.name, session = session.title })
  M.show_held()
  if connection.connected then M.catch_up() end
  return true
end

---Opens what was open last, or the first project.
---@return true?
---@return tidelock.Error? err
function M.open_last()
  local list, err = projects.list()
  if not list then return nil, err end
  local session = screen.session()
  for _, project in ipairs(session and list or {}) do
    if project.id == session.project then return M.open(project, session.id) end
  end
  if session then lose(session.id) end
  if list[1] then return M.open(list[1]) end
  view.show "NO_PROJECTS"
  return true
end

return M
