-- The projects of the user as last listed, and the one that is open. Both are written to the disk:
-- the next start opens the same project.
local json = require "tidelock.json"
local store = require "tidelock.store"

local M = {}

local projects = store.define("projects", {
  share = "read", -- hooks beside the client show and react to it
  initial = {
    known = {}, -- by id: Project
    order = json.array {}, -- their ids, in the server's order
    loading = false,
    current = json.null, -- { id, name }
  }, -- and error: { message, code }, if the last listing failed
  persist = { "known", "order", "current" },
  version = 1,
})

M.store = projects

local function add_project(draft, project)
  if not draft.known[project.id] then table.insert(draft.order, project.id) end
  draft.known[project.id] = project
end

-- --- the list -----------------------------------------------------------------------------------

function M.start_listing() projects:set { loading = true } end

---Replaces the list: projects that are not in it are forgotten.
---@param list Project[]
function M.set_list(list)
  projects:change("set list", function(draft)
    draft.known, draft.order = {}, json.array {}
    draft.loading, draft.error = false, nil
    for _, project in ipairs(list) do add_project(draft, project) end
  end)
end

---The projects could not be listed: the known ones stay.
---@param err tidelock.Error
function M.listing_failed(err)
  projects:change("listing failed", function(draft)
    draft.loading, draft.error = false, { message = err.message, code = err.code }
  end)
end

---Stores a project that is new or has changed.
---@param project Project
function M.put(project)
  projects:change("put", function(draft)
    add_project(draft, project)
    local current = draft.current
    if current and current.id == project.id then current.name = project.name end
  end)
end

---@return Project[] views, in the server's order
function M.list()
  local found, known = {}, projects:get "known"
  for i, id in ipairs(projects:get "order") do found[i] = known[id] end
  return found
end

---@return boolean
function M.is_loading() return projects:get "loading" end

---@return { message: string, code: string }? a view
function M.error() return projects:get "error" end

---@param id? string
---@return string?
function M.name(id) return id and projects:get("known", id, "name") end

-- --- the open project ---------------------------------------------------------------------------

---@param project Project|{ id: string, name: string }
function M.open(project)
  projects:change("open", function(draft)
    add_project(draft, project)
    draft.current = { id = project.id, name = project.name }
  end)
end

function M.close()
  projects:change("close", function(draft) draft.current = nil end)
end

---@return { id: string, name: string }? a view
function M.current() return projects:get "current" end

---@param id string
---@return string? name of the deleted project, if it was known
---@return boolean closed whether it was the open one
function M.remove(id)
  local name, current = M.name(id), M.current()
  local closed = current ~= nil and current.id == id
  projects:change("remove", function(draft)
    draft.known[id] = nil
    for i = #draft.order, 1, -1 do
      if draft.order[i] == id then table.remove(draft.order, i) end
    end
    if closed then draft.current = nil end
  end)
  return name, closed
end

function M.reset() projects:reset() end

return M
