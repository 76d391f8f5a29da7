-- The failures of a request: raised anywhere below a route; frame.lua answers them with their status and
-- {success = false, message, errors, code}.
local M = {}

local Failure = {}
Failure.__index = Failure
Failure.__tostring = function(self) return self.code .. ": " .. self.message end

---@class backend.Failure
---@field status integer
---@field code string
---@field message string
---@field errors? string[] a line for each wrong field

local function raise_failure(status, code, message, errors)
  local fields = { status = status, code = code, message = message, errors = errors }
  error(setmetatable(fields, Failure), 0)
end

---@param errors string[]
function M.invalid(errors) raise_failure(400, "VALIDATION_ERROR", "The request is not valid.", errors) end

---@param message? string
function M.unauthorized(message) raise_failure(401, "AUTH_ERROR", message or "Log in first.") end

---@param what string "Only the owner may delete a project."
function M.forbidden(what) raise_failure(403, "PERMISSION_ERROR", what) end

---@param what string "project"
function M.not_found(what) raise_failure(404, "NOT_FOUND", ("There is no such %s."):format(what)) end

---@param what string "projects"
---@param limit integer
function M.too_many(what, limit)
  raise_failure(409, "LIMIT_REACHED", ("There are %d %s already: that is the limit."):format(limit, what))
end

---@param limit integer bytes
function M.too_large(limit)
  raise_failure(413, "TOO_LARGE", ("A request has at most %d bytes."):format(limit))
end

---@param value any
---@return boolean
function M.is(value) return getmetatable(value) == Failure end

return M
