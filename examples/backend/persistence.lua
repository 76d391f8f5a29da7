-- Writes the data to the disk: a persisted store has a copy of it. data.lua works on plain tables and
-- reports each change here, so that only the change is written. Logins and the assistant's jobs are in
-- memory only.
local store = require "tidelock.store"

local M = {}

local stored = store.define("data", {
  initial = { meta = {}, users = {}, projects = {}, sessions = {}, messages = {} },
  persist = true, persist_delay = 0.01,
})

---The stored data as plain tables, or nil.
---@return table?
function M.restore()
  if not stored:get("meta", "birth") then return nil end
  local db = store.copy(stored:get())
  for _, session in ipairs(db.sessions) do
    session.messages = db.messages[session.id] or {}
  end
  db.birth, db.last_id = db.meta.birth, db.meta.last_id
  db.meta, db.messages = nil, nil
  return db
end

local function without_messages(session)
  local copy = {}
  for key, value in pairs(session) do copy[key] = value end
  copy.messages = nil
  return copy
end

---Stores a new database.
function M.start(db)
  stored:set {
    meta = { birth = db.birth, last_id = db.last_id },
    users = db.users, projects = db.projects, sessions = {}, messages = {},
  }
end

function M.reset() stored:reset() end

---@param last_id integer
function M.put_last_id(last_id) stored:change(function(d) d.meta.last_id = last_id end) end

function M.put_user(user) stored:change(function(d) d.users[user.id] = user end) end

---@param index integer of the project in the list
function M.put_project(index, project) stored:change(function(d) d.projects[index] = project end) end

---@param projects table[] the remaining ones
---@param sessions table[] the remaining ones
---@param gone table[] the removed sessions
function M.remove_projects(projects, sessions, gone)
  stored:change(function(d)
    d.projects, d.sessions = projects, {}
    for i, session in ipairs(sessions) do d.sessions[i] = without_messages(session) end
    for _, session in ipairs(gone) do d.messages[session.id] = nil end
  end)
end

---@param index integer
function M.put_session(index, session)
  stored:change(function(d)
    d.sessions[index] = without_messages(session)
    d.messages[session.id] = d.messages[session.id] or {}
  end)
end

---@param session table
---@param index integer of the message in the session
function M.put_message(session, index, message)
  stored:change(function(d)
    d.messages[session.id] = d.messages[session.id] or {}
    d.messages[session.id][index] = message
  end)
end

---@param index integer
function M.remove_message(session, index)
  stored:change(function(d) table.remove(d.messages[session.id], index) end)
end

return M
