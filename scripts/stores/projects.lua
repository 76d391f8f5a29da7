-- The projects that we know of, by id, and the one that is open.
local store = require "tidelock.store"

local M = {}

local projects = store.define("projects", { initial = { known = {} } })

M.store = projects

---@param list Project[]
function M.listed(list)
  projects:change("listed", function(draft)
    for _, project in ipairs(list) do draft.known[project.id] = project end
  end)
end

---A project that was made or changed.
---@param project Project
function M.put(project)
  projects:change("put", function(draft)
    draft.known[project.id] = project
  end)
end

---@param project Project|{ id: string, name: string }
function M.open(project)
  projects:change("open", function(draft)
    draft.known[project.id] = project
    draft.current = { id = project.id, name = project.name }
  end)
end

function M.close()
  projects:change("close", function(draft) draft.current = nil end)
end

---@param id string
---@return string? name of the one that was deleted, if it was known
---@return boolean closed whether it was the one that is open
function M.deleted(id)
  local name, current = M.name(id), M.current()
  local closed = current ~= nil and current.id == id
  projects:change("deleted", function(draft)
    draft.known[id] = nil
    if closed then draft.current = nil end
  end)
  return name, closed
end

---@return { id: string, name: string }? a view
function M.current() return projects:get "current" end

---@param id? string
---@return string?
function M.name(id) return id and projects:get("known", id, "name") end

function M.reset() projects:reset() end

return M
