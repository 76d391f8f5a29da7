-- The REST API: requests with our token, answers unpacked. An answer that the token is not valid
-- renews it (services/auth.lua says how) and the request is made once more.
local config = require "config"
local edge = require "edge"
local errors = require "tidelock.errors"
local http = require "tidelock.http"
local types = require "types"
local user = require "stores.user"

local M = {}

local by_status = {
  [401] = "AUTH_ERROR", [403] = "PERMISSION_ERROR", [404] = "NOT_FOUND", [408] = "NETWORK_ERROR",
  [400] = "VALIDATION_ERROR", [422] = "VALIDATION_ERROR", [413] = "TOO_LARGE",
  [429] = "RATE_LIMIT_ERROR",
}

-- What the server refused with: {success = false, message, errors, code}, or whatever it said.
local function refusal(res, body)
  local said = types.Refusal:check(body)
  local code = by_status[res.status] or (res.status >= 500 and "SERVER_ERROR")
  return errors.new {
    code = code or said.code or "HTTP",
    message = ("the server answered %d: %s"):format(res.status, said.message or "no more than that"),
    recoverable = res.status >= 500 or res.status == 408 or res.status == 429,
    retry_after = types.RetryAfter:check(res.headers["retry-after"]),
    data = { status = res.status, errors = said.errors },
    sent = "yes",
  }
end

local function unpack_answer(res, what, options)
  local body, err = res:json()
  if res.status >= 300 then return nil, refusal(res, body) end
  if err then return nil, errors.wrap(err, "DECODE") end
  local answer, why = edge.check(types.Answer, body, what)
  if not answer then return nil, why end
  local data = body.data
  if options.gives_list then
    data, err = edge.check_list(options.gives_list, data, what)
  elseif options.gives then
    data, err = edge.check(options.gives, data, what)
  end
  return data, err, answer.pagination
end

---@class api.Options
---@field query? table
---@field body? table
---@field token? string
---@field gives? tidelock.Schema what the answer must be
---@field gives_list? tidelock.Schema what each of its items must be; those that are not are left out

---A request as it is, without renewing.
---@param method string
---@param path string
---@param options? api.Options
---@return any? data
---@return tidelock.Error? err
---@return Pagination? pagination
function M.send(method, path, options)
  options = options or {}
  local res, err = http.request {
    method = method, url = config.api_url .. path, query = options.query, json = options.body,
    timeout = config.request_timeout,
    headers = options.token and { Authorization = "Bearer " .. options.token } or nil,
  }
  if not res then return nil, err end
  return unpack_answer(res, method .. " " .. path, options)
end

local renew

---Tells who renews the token: fn(old token) → true | nil, err.
---@param fn fun(token?: string): true?, tidelock.Error?
function M.renews(fn) renew = fn end

---A request with our token.
---@param method string
---@param path string
---@param options? api.Options its token is ours
---@return any? data
---@return tidelock.Error? err
---@return Pagination? pagination
function M.request(method, path, options)
  local tokens = user.tokens()
  local token = tokens and tokens.access
  local function send(with)
    local all = { token = with }
    for name, value in pairs(options or {}) do all[name] = all[name] or value end
    return M.send(method, path, all)
  end
  local data, err, pagination = send(token)
  if not errors.is(err, "AUTH_ERROR") or not renew then return data, err, pagination end
  local renewed, why = renew(token)
  if not renewed then return nil, why end
  return send(user.tokens().access)
end

return M
