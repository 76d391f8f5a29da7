-- /api/auth: login, refresh, logout, profile.
local access = require "access"
local config = require "config"
local data = require "data"
local failure = require "failure"
local frame = require "frame"
local tokens = require "tokens"
local validate = require "validate"

local function login_answer(user, pair)
  return {
    user = data.user(user), token = pair.token, refreshToken = pair.refreshToken,
    expiresAt = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + config.token_seconds // 1 | 0),
    expiresIn = config.token_seconds,
  }
end

local credentials = {
  email = validate.text { max = 200 },
  password = validate.text { max = 200 },
  remember = validate.optional(validate.boolean()),
}

local function log_in(req)
  local given, found = validate.fields(req.fields, credentials), nil
  for _, user in ipairs(config.users) do
    local right = tokens.same_secret(given.password, user.password)
    if given.email:lower() == user.email and right then found = user end
  end
  if not found then failure.unauthorized("The e-mail address or the password is wrong.") end
  return login_answer(found.id, access:issue(found.id))
end

local function refresh_tokens(req)
  local given = validate.fields(req.fields, { refreshToken = validate.text { max = 200 } })
  local pair, user = access:rotate(given.refreshToken)
  if not pair then failure.unauthorized("The refresh token is wrong, used or expired.") end
  return login_answer(user, pair)
end

local preferences = {
  theme = validate.optional(validate.one_of { "light", "dark", "system" }),
  language = validate.optional(validate.text { max = 20 }),
  notifications = validate.optional(validate.object {
    email = validate.boolean(), push = validate.boolean(), desktop = validate.boolean(),
  }),
}

local profile = {
  name = validate.optional(validate.text { max = 100 }),
  avatar = validate.optional(validate.text { max = 500 }),
  preferences = validate.optional(validate.object(preferences)),
}

---@param srv tidelock.server.Server
---@param hang_up fun(login: string) closes the connections of a login
return function(srv, hang_up)
  srv:post("/api/auth/login", frame.open(log_in))
  srv:post("/api/auth/refresh", frame.open(refresh_tokens))
  srv:post("/api/auth/logout", frame.signed_in(function(req)
    access:revoke(req.login)
    hang_up(req.login)
  end))
  srv:get("/api/auth/profile", frame.signed_in(function(req) return data.user(req.user) end))
  srv:put("/api/auth/profile", frame.signed_in(function(req)
    return data.update_user(req.user, validate.fields(req.fields, profile))
  end, { current = function(req) return data.user(req.user) end }))
end
