-- The projects of the user.
local api = require "services.api"
local projects = require "stores.projects"
local types = require "types"

local M = {}

local PAGE = 100

---All of them, page by page.
---@return Project[]?
---@return tidelock.Error? err
function M.list()
  local all, page, pages = {}, 1, 1
  while page <= pages do
    local query = { page = page, limit = PAGE }
    local data, err, pagination = api.request("GET", "/api/projects", {
      query = query, gives_list = types.Project,
    })
    if not data then return nil, err end
    table.move(data, 1, #data, #all + 1, all)
    page, pages = page + 1, pagination and pagination.totalPages or 1
  end
  projects.listed(all)
  return all
end

---@param name string
---@return Project?
---@return tidelock.Error? err
function M.create(name)
  return api.request("POST", "/api/projects", {
    body = { name = name, priority = "medium" }, gives = types.Project,
  })
end

---@param id string
---@param changes table
---@return Project?
---@return tidelock.Error? err
function M.update(id, changes)
  return api.request("PUT", "/api/projects/" .. id, { body = changes, gives = types.Project })
end

---@param id string
---@return any
---@return tidelock.Error? err
function M.delete(id) return api.request("DELETE", "/api/projects/" .. id) end

return M
