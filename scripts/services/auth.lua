-- Authentication: login, renewal of the token, logout, profile.
local api = require "services.api"
local config = require "config"
local errors = require "tidelock.errors"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local types = require "types"
local user = require "stores.user"

local M = {}

-- How many seconds the token of an answer is valid.
local function seconds_valid(answer)
  if answer.expiresIn then return answer.expiresIn end
  return answer.expiresAt and answer.expiresAt - os.time() or math.huge
end

---@param answer AuthResponse
local function accept_login(answer)
  user.log_in(answer.user, config.email)
  user.set_tokens {
    access = answer.token, refresh = answer.refreshToken,
    expires = timer.now() + seconds_valid(answer),
  }
  return true
end

---@return true?
---@return tidelock.Error? err LOGIN_REFUSED when the server does not know us
function M.login()
  local answer, err = api.send("POST", "/api/auth/login", {
    body = { email = config.email, password = config.password }, gives = types.AuthResponse,
  })
  if answer then return accept_login(answer) end
  if errors.is(err, "AUTH_ERROR") then return nil, errors.wrap(err, "LOGIN_REFUSED") end
  return nil, err
end

-- Renews with the refresh token; if that is no longer valid, logs in again.
local function renew_now()
  local tokens = user.tokens()
  if not tokens then return M.login() end
  local answer, err = api.send("POST", "/api/auth/refresh", {
    body = { refreshToken = tokens.refresh }, gives = types.AuthResponse,
  })
  if answer then return accept_login(answer) end
  if not errors.is(err, "AUTH_ERROR") then return nil, err end
  return M.login()
end

local renewing ---@type tidelock.Task?

---Renews the token. Callers during a renewal share its result.
---@param token? string the token that is not valid; if there is another one by now, nothing is done
---@return true?
---@return tidelock.Error? err
function M.renew(token)
  local tokens = user.tokens()
  if tokens and token and tokens.access ~= token then return true end
  local mine = renewing or task.spawn(function()
    local ok, done, err = pcall(renew_now)
    renewing = nil
    if not ok then error(done, 0) end
    return done, err
  end)
  renewing = mine
  return mine:await()
end

api.set_renewal(M.renew)

---The access token for a new connection; one that is about to expire is renewed first.
---@return string?
---@return tidelock.Error? err
function M.token()
  local tokens = user.tokens()
  if not tokens or tokens.expires - timer.now() < config.refresh_early then
    local ok, err = M.renew(tokens and tokens.access)
    if not ok then return nil, err end
  end
  return user.tokens().access
end

---@return true?
---@return tidelock.Error? err
function M.logout()
  local _, err = api.request("POST", "/api/auth/logout")
  user.log_out()
  if err then return nil, err end
  return true
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
