-- The user: profile, account, preferences. The preferences that were set here and the account are
-- written to the disk. The tokens are the session's (services/api.lua).
local json = require "tidelock.json"
local store = require "tidelock.store"

local M = {}

local user = store.define("user", {
  share = "read", -- hooks beside the client show and react to it
  initial = {
    chosen = {}, -- the preferences that were set here
    account = json.null, -- { email, id, name }
  }, -- and user: the profile as the server has it
  persist = { "chosen", "account" },
  version = 1,
})

M.store = user

-- --- profile --------------------------------------------------------------------------------------

local function profile_of(profile)
  return {
    id = profile.id, name = profile.name, email = profile.email, avatar = profile.avatar,
    preferences = profile.preferences,
  }
end

---@param profile User
---@param email? string the e-mail address of the login
function M.log_in(profile, email)
  user:change("log in", function(draft)
    draft.user = profile_of(profile)
    draft.account = { email = email or profile.email, id = profile.id, name = profile.name }
  end)
end

---@param profile User
function M.set_profile(profile)
  user:change("set profile", function(draft) draft.user = profile_of(profile) end)
end

function M.log_out()
  user:change("log out", function(draft) draft.user = nil end)
end

---@return User? a view; nil while nobody is logged in
function M.get() return user:get "user" end

---Whose state is on the disk: the user who is logged in, or was the last time.
---@return { id: string, name: string, email?: string }? a view
function M.account() return user:get "account" end

---@param user_id string
---@return boolean
function M.is_me(user_id)
  local me = M.get() or M.account()
  return me ~= nil and me.id == user_id
end

---@return boolean
function M.is_authenticated() return M.get() ~= nil end

-- --- preferences --------------------------------------------------------------------------------

-- The values where neither this client nor the server has set one.
local defaults = { theme = "system", language = "en" }
local channels = { email = false, push = false, desktop = true }

---Sets a preference on this machine. It takes precedence over the server's, over restarts too.
---@param name "theme"|"language"|"email"|"push"|"desktop" the last three are notifications
---@param value string|boolean
function M.set_preference(name, value)
  user:change("set " .. name, function(draft)
    if channels[name] == nil then
      draft.chosen[name] = value
      return
    end
    if not draft.chosen.notifications then draft.chosen.notifications = {} end
    draft.chosen.notifications[name] = value
  end)
end

local function first_set(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if value ~= nil then return value end
  end
end

-- Of each preference: the value set here, else the server's, else the default.
local preferences = store.derive({ user }, function(state)
  local chosen, theirs = state.chosen, state.user and state.user.preferences or {}
  local own, other = chosen.notifications or {}, theirs.notifications or {}
  local found = { notifications = {} }
  for name, default in pairs(defaults) do
    found[name] = first_set(chosen[name], theirs[name], default)
  end
  for name, default in pairs(channels) do
    found.notifications[name] = first_set(own[name], other[name], default)
  end
  return found
end)

---@return UserPreferences not to be changed
function M.preferences() return preferences:get() end

---Forgets the preferences of the previous user; the login stays.
function M.forget_preferences()
  user:change("forget preferences", function(draft) draft.chosen = {} end)
end

function M.reset() user:reset() end

return M
