-- The projects of the user.
local api = require "services.api"
local projects = require "stores.projects"
local types = require "types"

local M = {}

local PAGE = 100

---Fetches all projects, page by page.
---@return Project[]?
---@return tidelock.Error? err
function M.list()
  local all, page, pages = {}, 1, 1
  projects.start_listing()
  while page <= pages do
    local query = { page = page, limit = PAGE }
    local data, err, pagination = api.request("GET", "/api/projects", {
      query = query, gives_list = types.Project,
    })
    if not data then
      projects.listing_failed(err)
      return nil, err
    end
    table.move(data, 1, #data, #all + 1, all)
    page, pages = page + 1, pagination and pagination.totalPages or 1
  end
  projects.set_list(all)
  return all
end

-- Stores the project of an answer at once: its event may come later or never.
local function store_project(project, err)
  if project then projects.put(project) end
  return project, err
end

---@param name string
---@return Project?
---@return tidelock.Error? err
function M.create(name)
  return store_project(api.request("POST", "/api/projects", {
    body = { name = name, priority = "medium" }, gives = types.Project,
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
