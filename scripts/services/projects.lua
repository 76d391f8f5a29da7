-- The projects of the user.
local api = require "services.api"
local random = require "tidelock.random"
local projects = require "stores.projects"
local types = require "types"

local M = {}

---Fetches all projects, page by page.
---@return Project[]?
---@return tidelock.Error? err
function M.list()
  projects.start_listing()
  local all, err = api.list("/api/projects", { query = { limit = 100 }, gives_list = types.Project })
  if all then projects.set_list(all) else projects.listing_failed(err) end
  return all, err
end

-- Stores the project of an answer at once: its event may come later or never.
local function store_project(project, err)
  if project then projects.put(project) end
  return project, err
end

---@param id string
---@return Project?
---@return tidelock.Error? err
function M.get(id)
  return store_project(api.request("GET", "/api/projects/" .. id, { gives = types.Project }))
end

---@param fields { name: string, description?: string, priority?: ProjectPriority, tags?: string[] }
---@return Project?
---@return tidelock.Error? err
function M.create(fields)
  return store_project(api.request("POST", "/api/projects", {
    body = fields, key = random.uuid(), gives = types.Project,
  }))
end

---@param id string
---@param changes table
---@return Project?
---@return tidelock.Error? err
function M.update(id, changes)
  return store_project(api.request("PUT", "/api/projects/" .. id, { body = changes, gives = types.Project }))
end

---@param id string
---@return true?
---@return tidelock.Error? err
function M.delete(id)
  local _, err = api.request("DELETE", "/api/projects/" .. id)
  if err then return nil, err end
  projects.remove(id)
  return true
end

return M
