-- The projects of the user as the server last listed them, and the one that is open. They outlive
-- the process, so that the next start knows where one was.
local json = require "tidelock.json"
local store = require "tidelock.store"

local M = {}

local projects = store.define("projects", {
  share = "read", -- hooks beside the client show and react to it
  initial = {
    known = {}, -- by id
    order = json.array {}, -- their ids, as they were listed
    loading = false,
    current = json.null, -- { id, name }
  }, -- and error: { message, code }, of the last listing
  persist = { "known", "order", "current" },
  version = 1,
})

M.store = projects

local function add(draft, project)
  if not draft.known[project.id] then table.insert(draft.order, project.id) end
  draft.known[project.id] = project
end

-- --- the list -----------------------------------------------------------------------------------

function M.listing() projects:set { loading = true } end

---All there are: those that are not among them are forgotten.
---@param list Project[]
function M.listed(list)
  projects:change("listed", function(draft)
    draft.known, draft.order = {}, json.array {}
    draft.loading, draft.error = false, nil
    for _, project in ipairs(list) do add(draft, project) end
  end)
end

---They could not be listed: what was known stays.
---@param err tidelock.Error
function M.failed(err)
  projects:change("failed", function(draft)
    draft.loading, draft.error = false, { message = err.message, code = err.code }
  end)
end

---A project that was made or changed.
---@param project Project
function M.put(project)
  projects:change("put", function(draft)
    add(draft, project)
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

-- --- the open one -------------------------------------------------------------------------------

---@param project Project|{ id: string, name: string }
function M.open(project)
  projects:change("open", function(draft)
    add(draft, project)
    draft.current = { id = project.id, name = project.name }
  end)
end

function M.close()
  projects:change("close", function(draft) draft.current = nil end)
end

---@return { id: string, name: string }? a view
function M.current() return projects:get "current" end

---@param id string
---@return string? name of the one that was deleted, if it was known
---@return boolean closed whether it was the one that is open
function M.deleted(id)
  local name, current = M.name(id), M.current()
  local closed = current ~= nil and current.id == id
  projects:change("deleted", function(draft)
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
