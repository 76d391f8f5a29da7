-- Who we are: login, renewal of the token, logout, profile.
local api = require "services.api"
local config = require "config"
local errors = require "tidelock.errors"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local types = require "types"
local user = require "stores.user"

local M = {}

-- For how many seconds a token is good.
local function lasts(answer)
  if answer.expiresIn then return answer.expiresIn end
  return answer.expiresAt and answer.expiresAt - os.time() or math.huge
end

---@param answer AuthResponse
local function take(answer)
  user.logged_in(answer.user, config.email)
  user.set_tokens {
    access = answer.token, refresh = answer.refreshToken,
    expires = timer.now() + lasts(answer),
  }
  return true
end

---@return true?
---@return tidelock.Error? err LOGIN_REFUSED when the server does not know us
function M.login()
  local answer, err = api.send("POST", "/api/auth/login", {
    body = { email = config.email, password = config.password }, gives = types.AuthResponse,
  })
  if answer then return take(answer) end
  if errors.is(err, "AUTH_ERROR") then return nil, errors.wrap(err, "LOGIN_REFUSED") end
  return nil, err
end

-- With the refresh token; when that is not good any more, by logging in again.
local function renew()
  local tokens = user.tokens()
  if not tokens then return M.login() end
  local answer, err = api.send("POST", "/api/auth/refresh", {
    body = { refreshToken = tokens.refresh }, gives = types.AuthResponse,
  })
  if answer then return take(answer) end
  if not errors.is(err, "AUTH_ERROR") then return nil, err end
  return M.login()
end

local renewing ---@type tidelock.Task?

---Renews the token; those who ask while that is under way share its outcome.
---@param token? string the one that is not good (any more); another one means that it is done
---@return true?
---@return tidelock.Error? err
function M.renew(token)
  local tokens = user.tokens()
  if tokens and token and tokens.access ~= token then return true end
  local mine = renewing or task.spawn(function()
    local ok, done, err = pcall(renew)
    renewing = nil
    if not ok then error(done, 0) end
    return done, err
  end)
  renewing = mine
  return mine:await()
end

api.renews(M.renew)

---The access token for a new connection; renewed when it is about to end.
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
  user.logged_out()
  if err then return nil, err end
  return true
end

local function updated(profile, err)
  if profile then user.updated(profile) end
  return profile, err
end

---@return User?
---@return tidelock.Error? err
function M.profile()
  return updated(api.request("GET", "/api/auth/profile", { gives = types.User }))
end

---@param changes { name?: string, avatar?: string, preferences?: table }
---@return User?
---@return tidelock.Error? err
function M.update_profile(changes)
  return updated(api.request("PUT", "/api/auth/profile", { body = changes, gives = types.User }))
end

return M
