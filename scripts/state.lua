-- What the client knows, in script.keep, so that it is there after a reload: edit any file, and the
-- chat goes on. Ask for it at each use: a reload may have put another table there.
local script = require "tidelock.script"

local M = {}

local MAX_SHOWN = 500

local function fresh()
  return {
    user = nil, ---@type User?
    tokens = nil, ---@type { access: string, refresh: string, expires: number }?
    project = nil, ---@type { id: string, name: string }?
    session = nil, ---@type { id: string, title: string }?
    lines = {}, -- typed and not yet dealt with, in order: { id, text }
    unanswered = {}, -- by the id that we gave the message: true
    shown = {}, -- ids of messages on the screen, the latest last
    names = {}, -- of projects, by id
    places = {}, -- the project of each session that was open, by its id
    system = "", -- what was last told of the system
    started = false, -- lines are dealt with
    was_connected = false,
    quitting = nil, ---@type number? when it must have ended, by timer.now
  }
end

---@return table
function M.get()
  script.keep.client = script.keep.client or fresh()
  return script.keep.client
end

function M.reset() script.keep.client = nil end

---@param project Project|{ id: string, name: string }
---@param session ChatSession|{ id: string, title: string }
function M.open(project, session)
  local state = M.get()
  state.project = { id = project.id, name = project.name }
  state.session = { id = session.id, title = session.title }
  state.names[project.id], state.places[session.id] = project.name, project.id
end

function M.close_project()
  local state = M.get()
  state.project, state.session = nil, nil
end

---@return boolean
function M.is_open() return M.get().session ~= nil end

---Whether an event belongs to what is on the screen.
---@param event { sessionId: string }
---@return boolean
function M.is_here(event)
  local session = M.get().session
  return session ~= nil and event.sessionId == session.id
end

---The name of the project that a session belongs to, if it was open.
---@param event { sessionId: string }
---@return string?
function M.place_of(event)
  local state = M.get()
  return state.names[state.places[event.sessionId]]
end

---@param user_id string
---@return boolean
function M.is_me(user_id)
  local user = M.get().user
  return user ~= nil and user.id == user_id
end

---True the first time that it is asked of a message; so no message is shown twice.
---@param message_id string
---@return boolean
function M.show_once(message_id)
  local shown = M.get().shown
  for i = #shown, 1, -1 do
    if shown[i] == message_id then return false end
  end
  shown[#shown + 1] = message_id
  if #shown > MAX_SHOWN then table.remove(shown, 1) end
  return true
end

---A message of ours has come through, under the id that we gave it: it need not be sent again.
---@param client_id? string
function M.delivered(client_id)
  local lines = M.get().lines
  for i, line in ipairs(lines) do
    if line.id == client_id then return table.remove(lines, i) end
  end
end

---@param client_id? string
function M.expect_answer(client_id) M.get().unanswered[client_id] = true end

---@param client_id? string
function M.answered(client_id)
  if client_id then M.get().unanswered[client_id] = nil end
end

---@return integer
function M.count_unanswered()
  local count = 0
  for _ in pairs(M.get().unanswered) do count = count + 1 end
  return count
end

---Whether all that was typed is sent and answered.
---@return boolean
function M.is_idle()
  local state = M.get()
  return #state.lines == 0 and next(state.unanswered) == nil
end

return M
