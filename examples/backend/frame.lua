-- The frame around every route: decodes the body, authenticates the user, and turns the results or the
-- failure of the route into an answer:
--   {data, success = true}, with `pagination` for a page
--   {success = false, message, errors, code} with the status of the failure
local access = require "access"
local config = require "config"
local failure = require "failure"
local validate = require "validate"
local json = require "tidelock.json"

local M = {}

---@class backend.Request the server's, and:
---@field user? string the id of the user
---@field login? string the login of the token
---@field fields? any the decoded body

local function read_body(req)
  if #req.body > config.limits.body then failure.too_large(config.limits.body) end
  if req.body == "" then return {} end
  local value, err = json.decode(req.body)
  if err then failure.invalid { "the body is not JSON: " .. err.message } end
  return value
end

local function token_of(req)
  local scheme, token = (req.headers.authorization or ""):match("^(%a+) +(%S+)$")
  return scheme and scheme:lower() == "bearer" and token or nil
end

local function authenticate(req)
  req.user, req.login = access:user_of(token_of(req))
  if not req.user then failure.unauthorized("The token is missing, wrong or expired.") end
end

---@param err backend.Failure
local function failure_answer(err)
  return err.status, {
    success = false, message = err.message, code = err.code, errors = json.array(err.errors or {}),
  }
end

local function answer_of(ok, result, more)
  if ok then
    local answer = { success = true, data = result == nil and json.null or result }
    answer.pagination = more and more.pagination
    return more and more.status or 200, answer
  end
  if failure.is(result) then return failure_answer(result) end
  error(result, 0)
end

---A route without a login. Its function returns the data and, if needed, {status=, pagination=}.
---@param fn fun(req: backend.Request): any, table?
function M.open(fn)
  return function(req)
    return answer_of(pcall(function()
      req.fields = read_body(req)
      return fn(req)
    end))
  end
end

---A route that needs a login.
---@param fn fun(req: backend.Request): any, table?
function M.signed_in(fn)
  return function(req)
    return answer_of(pcall(function()
      authenticate(req)
      req.fields = read_body(req)
      return fn(req)
    end))
  end
end

local function numbers_of_page(total, page, limit)
  local pages = math.max(1, math.ceil(total / limit))
  return { page = page, limit = limit, total = total, totalPages = pages }
end

---The requested page of a list. Page 1 begins with the first entry; with `newest` it ends with the last
---one, and page 2 comes before it. A page has the order of the list.
---@param req backend.Request
---@param list any[]
---@param show fun(entry: any): any
---@param newest? boolean
---@return any[] entries
---@return { pagination: table }
function M.page(req, list, show, newest)
  local page, limit = validate.paging(req.query, config.limits.page)
  local first = newest and #list - page * limit + 1 or (page - 1) * limit + 1
  local last = math.min(#list, first + limit - 1)
  local entries = json.array {}
  for i = math.max(1, first), last do entries[#entries + 1] = show(list[i]) end
  return entries, { pagination = numbers_of_page(#list, page, limit) }
end

M.created = { status = 201 }

return M
