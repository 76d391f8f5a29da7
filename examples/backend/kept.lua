-- What outlives the process: a copy of the data in a store that is kept in the profile. data.lua
-- works on plain tables and says here what it changed, so that each change is written by itself.
-- Logins and the assistant's work are not kept.
local store = require "tidelock.store"

local M = {}

local kept = store.define("data", {
  initial = { meta = {}, users = {}, projects = {}, sessions = {}, messages = {} },
  persist = true, persist_delay = 0.01,
})

---What was kept, as plain tables; nil when there is nothing.
---@return table?
function M.restore()
  if not kept:get("meta", "birth") then return nil end
  local db = store.copy(kept:get())
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

---A new database, with what there is from the beginning.
function M.begin(db)
  kept:set {
    meta = { birth = db.birth, last_id = db.last_id },
    users = db.users, projects = db.projects, sessions = {}, messages = {},
  }
end

function M.reset() kept:reset() end

---@param last_id integer
function M.counted(last_id) kept:change(function(d) d.meta.last_id = last_id end) end

function M.user(user) kept:change(function(d) d.users[user.id] = user end) end

---@param index integer where it lies among the projects
function M.project(index, project) kept:change(function(d) d.projects[index] = project end) end

---@param projects table[] what is left
---@param sessions table[] what is left
---@param gone table[] sessions
function M.less_projects(projects, sessions, gone)
  kept:change(function(d)
    d.projects, d.sessions = projects, {}
    for i, session in ipairs(sessions) do d.sessions[i] = without_messages(session) end
    for _, session in ipairs(gone) do d.messages[session.id] = nil end
  end)
end

---@param index integer
function M.session(index, session)
  kept:change(function(d)
    d.sessions[index] = without_messages(session)
    d.messages[session.id] = d.messages[session.id] or {}
  end)
end

---@param session table
---@param index integer where the message lies in the session
function M.message(session, index, message)
  kept:change(function(d)
    d.messages[session.id] = d.messages[session.id] or {}
    d.messages[session.id][index] = message
  end)
end

---@param index integer
function M.less_messages(session, index)
  kept:change(function(d) table.remove(d.messages[session.id], index) end)
end

return M
