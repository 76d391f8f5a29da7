-- The REST API: a client whose session renews the token and whose requests are tried again; here are
-- where both lead, and what an answer has to be.
local config = require "config"
local edge = require "edge"
local errors = require "tidelock.errors"
local http = require "tidelock.http"
local session = require "tidelock.session"
local types = require "types"
local user = require "stores.user"

local M = {}

local client

-- --- the session --------------------------------------------------------------------------------

-- The pair of an answer. Whose it is, is known from then on.
local function pair_of(answer, err)
  if not answer then return nil, err end
  user.log_in(answer.user, config.email)
  return {
    access = answer.token, refresh = answer.refreshToken,
    expires_in = answer.expiresIn, expires_at = not answer.expiresIn and answer.expiresAt or nil,
  }
end

-- With a pair of an earlier version of this client, that one is taken.
local function log_in(pair)
  if pair then return pair end
  return pair_of(M.request("POST", "/api/auth/login", {
    body = { email = config.email, password = config.password }, gives = types.AuthResponse, retries = 0,
  }))
end

-- If the refresh token is no longer valid, the password is.
local function refresh(token)
  local answer, err = M.request("POST", "/api/auth/refresh", {
    body = { refreshToken = token }, gives = types.AuthResponse, retries = 0,
  })
  if answer or not errors.is(err, "AUTH_ERROR") then return pair_of(answer, err) end
  local pair, why = log_in()
  if errors.is(why, "AUTH_ERROR") then return nil, { code = "invalid_grant" } end
  return pair, why
end

local function log_out(pair)
  local headers = { Authorization = "Bearer " .. pair.access }
  local _, err = M.request("POST", "/api/auth/logout", { headers = headers, session = false })
  return not err or nil, err
end

-- The password is at hand at each start, so the tokens need not be on the disk.
M.session = session.define("me", {
  login = log_in, refresh = refresh, logout = log_out, remember = false,
  origins = { config.api_url, config.ws_url },
})

client = http.client {
  base_url = config.api_url, session = M.session, value = true, timeout = config.request_timeout,
}

-- --- requests -----------------------------------------------------------------------------------

local by_status = {
  [401] = "AUTH_ERROR", [403] = "PERMISSION_ERROR", [404] = "NOT_FOUND", [408] = "NETWORK_ERROR",
  [400] = "VALIDATION_ERROR", [422] = "VALIDATION_ERROR", [413] = "TOO_LARGE",
  [429] = "RATE_LIMIT_ERROR",
}

-- The error of an answer that is no success, in the client's own codes; others are as they are. A token that
-- is refused while the session begins anew (handlers/session.lua) is worth another try.
local function translate(err)
  if not err.status then return err end
  local said, code = types.Refusal:check(err.body or {}), by_status[err.status]
  code = code or (err.status >= 500 and "SERVER_ERROR") or said.code or "HTTP"
  return errors.new {
    code = code, message = err.message, retry_after = err.retry_after, sent = "yes",
    recoverable = err.recoverable or (err.status == 401 and M.session:state().reason == "rejected"),
    data = { status = err.status, errors = said.errors },
  }
end

local function check_data(data, what, options)
  if options.gives_list then return edge.check_list(options.gives_list, data, what) end
  if options.gives then return edge.check(options.gives, data, what) end
  return data
end

---@class api.Options
---@field query? table
---@field body? table
---@field multipart? table[]
---@field on_progress? fun(done: integer, total?: integer)
---@field headers? table<string, string>
---@field key? string the Idempotency-Key
---@field retries? integer
---@field session? false without our token
---@field gives? tidelock.Schema of the data
---@field gives_list? tidelock.Schema of each item of the data; wrong items are left out

---Sends a request with our token.
---@param method string
---@param path string
---@param options? api.Options
---@return any? data
---@return tidelock.Error? err
function M.request(method, path, options)
  options = options or {}
  local data, err = client:request {
    method = method, url = path, query = options.query, json = options.body, multipart = options.multipart,
    on_progress = options.on_progress, headers = options.headers, idempotency_key = options.key,
    retries = options.retries, session = options.session,
  }
  if data == nil then return nil, translate(err) end
  return check_data(data, method .. " " .. path, options)
end

---All items of a list that comes in pages.
---@param path string
---@param options api.Options with gives_list
---@return any[]? items
---@return tidelock.Error? err
function M.list(path, options)
  local all = {}
  local ok, err = pcall(function()
    for page in client:pages(path, { query = options.query }) do
      local items, why = check_data(page, "GET " .. path, options)
      if not items then error(why, 0) end
      table.move(items, 1, #items, #all + 1, all)
    end
  end)
  if ok then return all end
  if not errors.is(err) then error(err, 0) end
  return nil, translate(err)
end

---The bytes of a file, as they are.
---@param path string
---@return string? bytes
---@return tidelock.Error? err
function M.download(path)
  local res, err = client:get(path, { value = false, expect = "2xx" })
  if not res then return nil, translate(err) end
  return res.body
end

return M
