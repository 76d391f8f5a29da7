-- The REST API: requests with our token, answers unpacked. An answer that the token is not valid
-- renews it (services/auth.lua says how) and the request is made once more.
local config = require "config"
local state = require "state"
local errors = require "tidelock.errors"
local http = require "tidelock.http"

local M = {}

local by_status = {
  [401] = "AUTH_ERROR", [403] = "PERMISSION_ERROR", [404] = "NOT_FOUND", [408] = "NETWORK_ERROR",
  [400] = "VALIDATION_ERROR", [422] = "VALIDATION_ERROR", [413] = "TOO_LARGE",
  [429] = "RATE_LIMIT_ERROR",
}

-- What the server refused with: {success = false, message, errors, code}, or whatever it said.
local function refusal(res, body)
  local said = type(body) == "table" and body or {}
  local code = by_status[res.status] or (res.status >= 500 and "SERVER_ERROR")
  return errors.new {
    code = code or tostring(said.code or "HTTP"),
    message = ("the server answered %d: %s"):format(res.status, tostring(said.message)),
    recoverable = res.status >= 500 or res.status == 408 or res.status == 429,
    retry_after = tonumber(res.headers["retry-after"]),
    data = { status = res.status, errors = said.errors },
    sent = "yes",
  }
end

local function unpack_answer(res)
  local body, err = res:json()
  if res.status >= 300 then return nil, refusal(res, body) end
  if err then return nil, errors.wrap(err, "DECODE") end
  if type(body) ~= "table" or body.success ~= true then
    return nil, errors.new { code = "DECODE", message = "an answer without data" }
  end
  return body.data, nil, body.pagination
end

---A request as it is, without renewing.
---@param method string
---@param path string
---@param options? { query?: table, body?: table, token?: string }
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
  return unpack_answer(res)
end

local renew

---Tells who renews the token: fn(old token) → true | nil, err.
---@param fn fun(token?: string): true?, tidelock.Error?
function M.renews(fn) renew = fn end

---A request with our token.
---@param method string
---@param path string
---@param options? { query?: table, body?: table }
---@return any? data
---@return tidelock.Error? err
---@return Pagination? pagination
function M.request(method, path, options)
  local tokens = state.get().tokens
  local token = tokens and tokens.access
  local function send(with)
    return M.send(method, path, {
      query = options and options.query, body = options and options.body, token = with,
    })
  end
  local data, err, pagination = send(token)
  if not errors.is(err, "AUTH_ERROR") or not renew then return data, err, pagination end
  local renewed, why = renew(token)
  if not renewed then return nil, why end
  return send(state.get().tokens.access)
end

return M
