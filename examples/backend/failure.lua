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
---@field headers? table<string, string>

local function raise_failure(status, code, message, errors, headers)
  local fields = { status = status, code = code, message = message, errors = errors, headers = headers }
  error(setmetatable(fields, Failure), 0)
end

---@param errors string[]
function M.invalid(errors) raise_failure(400, "VALIDATION_ERROR", "The request is not valid.", errors) end

---@param message? string
function M.unauthorized(message) raise_failure(401, "AUTH_ERROR", message or "Log in first.") end

---@param sent boolean whether the request had a token
function M.no_token(sent)
  local challenge = sent and 'Bearer error="invalid_token"' or "Bearer"
  raise_failure(401, "AUTH_ERROR", "The token is missing, wrong or expired.", nil,
    { ["WWW-Authenticate"] = challenge })
end

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

---@param err tidelock.Error of the form that could not be read
function M.bad_form(err)
  if err.code == "UNSUPPORTED" then M.unsupported(err.message) end
  if err.code == "TOO_LARGE" then raise_failure(413, "TOO_LARGE", err.message) end
  M.invalid { err.message }
end

---@param what string
function M.unsupported(what) raise_failure(415, "UNSUPPORTED", what) end

---If-Match names another state.
function M.changed()
  raise_failure(412, "CHANGED", "It has changed meanwhile: get it again, and change that.")
end

---@param size integer
function M.no_such_range(size)
  raise_failure(416, "NO_SUCH_RANGE", ("There are %d bytes."):format(size), nil,
    { ["Content-Range"] = ("bytes */%d"):format(size) })
end

function M.other_payload()
  raise_failure(422, "KEY_USED", "This Idempotency-Key was used for another request.")
end

function M.still_running()
  raise_failure(409, "STILL_RUNNING", "The first request with this Idempotency-Key is not done yet.", nil,
    { ["Retry-After"] = "1" })
end

---@param seconds number
function M.too_often(seconds)
  raise_failure(429, "RATE_LIMIT_ERROR", "Too many requests.", nil,
    { ["Retry-After"] = ("%d"):format(math.max(1, math.ceil(seconds))) })
end

---@param value any
---@return boolean
function M.is(value) return getmetatable(value) == Failure end

return M
