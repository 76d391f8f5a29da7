-- The frame around every route: decodes the body, authenticates the user, and turns the results or the
-- failure of the route into an answer. Answers to GET have an ETag and obey If-None-Match, changes obey
-- If-Match, and what makes something is done once for an Idempotency-Key. An answer is
--   {data, success = true}, with `pagination` for a page
--   {success = false, message, errors, code} with the status of the failure
local access = require "access"
local config = require "config"
local etag = require "etag"
local failure = require "failure"
local idempotency = require "idempotency"
local limiter = require "limiter"
local validate = require "validate"
local json = require "tidelock.json"

local M = {}

---@class backend.Request the server's, and:
---@field user? string the id of the user
---@field login? string the login of the token
---@field fields? any the decoded body
---@field parts? tidelock.server.Part[] of a form with files

---@class backend.Rules
---@field once? "may"|"must" whether it takes, or wants, an Idempotency-Key
---@field current? fun(req: backend.Request): any what If-Match is compared with
---@field form? boolean its body is a form with files

---@class backend.More what a route returns behind its data
---@field status? integer
---@field pagination? table
---@field headers? table<string, string>
---@field raw? any the body as it is, instead of the data

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
  if req.user then return limiter.take("user " .. req.user) end
  limiter.take("address " .. req.remote)
  failure.no_token(token_of(req) ~= nil)
end

local function read_form(req)
  local limits = config.limits
  local parts, err = req.multipart { max_parts = limits.files + 4, max_part = limits.file }
  if not parts then failure.bad_form(err) end
  req.parts = parts
end

-- Whether the state is still the one that the client has seen.
local function check_match(req, current)
  local wanted = req.headers["if-match"]
  if wanted and not etag.names(wanted, etag.of(current(req))) then failure.changed() end
end

---@param err backend.Failure
local function failure_answer(err)
  return err.status, {
    success = false, message = err.message, code = err.code, errors = json.array(err.errors or {}),
  }, err.headers
end

-- The headers of an answer, with the tag of what it gives.
local function headers_of(result, more)
  local headers = {}
  for name, value in pairs(more.headers or {}) do headers[name] = value end
  if result ~= nil then
    local shown = more.pagination and { result, more.pagination } or result
    headers.ETag, headers["Cache-Control"] = etag.of(shown), "private, no-cache"
  end
  return headers
end

local function answer_of(ok, result, more)
  if ok then
    more = more or {}
    if more.raw then return more.status or 200, more.raw, more.headers end
    local answer = { success = true, data = result == nil and json.null or result }
    answer.pagination = more.pagination
    return more.status or 200, answer, headers_of(result, more)
  end
  if failure.is(result) then return failure_answer(result) end
  error(result, 0)
end

---A route without a login. Its function returns the data and, if needed, {status=, pagination=}.
---@param fn fun(req: backend.Request): any, table?
function M.open(fn)
  return function(req)
    return answer_of(pcall(function()
      limiter.take("address " .. req.remote)
      req.fields = read_body(req)
      return fn(req)
    end))
  end
end

local function is_known(req, headers)
  local tag = headers and headers.ETag
  return req.method == "GET" and tag and etag.names(req.headers["if-none-match"], tag, true)
end

local function prepare(req, rules)
  authenticate(req)
  if rules.form then read_form(req) else req.fields = read_body(req) end
end

local function run_route(req, fn, rules)
  local status, body, headers = answer_of(pcall(function()
    if rules.current then check_match(req, rules.current) end
    return fn(req)
  end))
  if status == 200 and is_known(req, headers) then return 304, nil, headers end
  return status, body, headers
end

---A route that needs a login.
---@param fn fun(req: backend.Request): any, backend.More?
---@param rules? backend.Rules
function M.signed_in(fn, rules)
  rules = rules or {}
  return function(req)
    local ok, err = pcall(prepare, req, rules)
    if not ok then return answer_of(false, err) end
    local function run() return run_route(req, fn, rules) end
    if not rules.once then return run() end
    local status, body, headers = nil, nil, nil
    ok, err = pcall(function()
      status, body, headers = idempotency.once(req, rules.once == "must", run)
    end)
    if not ok then return answer_of(false, err) end
    return status, body, headers
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
