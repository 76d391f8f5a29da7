-- The REST API: sends requests with our token and unpacks the answers. When the server says that the
-- token is not valid, it is renewed (services/auth.lua) and the request is sent once more.
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

-- The error of an answer that is no success: {success = false, message, errors, code}, or any other body.
local function error_of_answer(res, body)
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
  if res.status >= 300 then return nil, error_of_answer(res, body) end
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
---@field gives? tidelock.Schema of the data
---@field gives_list? tidelock.Schema of each item of the data; wrong items are left out

---Sends a request without renewing the token.
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

local renew_token

---Sets the function that renews the token: fn(old token) → true | nil, err.
---@param fn fun(token?: string): true?, tidelock.Error?
function M.set_renewal(fn) renew_token = fn end

---Sends a request with our token.
---@param method string
---@param path string
---@param options? api.Options without a token
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
  if not errors.is(err, "AUTH_ERROR") or not renew_token then return data, err, pagination end
  local renewed, why = renew_token(token)
  if not renewed then return nil, why end
  return send(user.tokens().access)
end

return M
