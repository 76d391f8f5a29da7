-- Authentication: login, logout, profile. The session of services/api.lua renews the token.
local api = require "services.api"
local errors = require "tidelock.errors"
local log = require "tidelock.log"
local script = require "tidelock.script"
local timer = require "tidelock.timer"
local types = require "types"
local user = require "stores.user"

local M = {}

---@return true?
---@return tidelock.Error? err LOGIN_REFUSED when the server does not know us
function M.login()
  local done, err = api.session:login()
  if errors.is(err, "AUTH_ERROR") then return nil, errors.wrap(err, "LOGIN_REFUSED") end
  return done, err
end

---@return true?
---@return tidelock.Error? err
function M.logout()
  user.log_out()
  return api.session:logout()
end

---Takes over the tokens of a version of this client that had them in script.keep, when it is reloaded.
function M.adopt_tokens()
  local old = script.keep.tokens
  script.keep.tokens = nil
  if type(old) ~= "table" or not old.access then return end
  local left = old.expires and old.expires < math.huge and old.expires - timer.now() or nil
  local done = api.session:login {
    access = old.access, refresh = old.refresh, expires_in = left and math.max(left, 0),
  }
  log.info(done and "the login of the version before goes on"
    or "the tokens of the version before cannot be used: logging in again")
end

local function store_profile(profile, err)
  if profile then user.set_profile(profile) end
  return profile, err
end

---@return User?
---@return tidelock.Error? err
function M.profile()
  return store_profile(api.request("GET", "/api/auth/profile", { gives = types.User }))
end

---@param changes { name?: string, avatar?: string, preferences?: table }
---@return User?
---@return tidelock.Error? err
function M.update_profile(changes)
  return store_profile(api.request("PUT", "/api/auth/profile", { body = changes, gives = types.User }))
end

return M
