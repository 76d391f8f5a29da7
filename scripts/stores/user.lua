-- Who we are, with what we prefer. What was set here and whose state this profile keeps outlive the
-- process. The tokens are no part of the store, whose history and changes tools may read, and which
-- reaches the disk: they are in script.keep, and live on over reloads as it does.
local json = require "tidelock.json"
local script = require "tidelock.script"
local store = require "tidelock.store"

local M = {}

local user = store.define("user", {
  share = "read", -- hooks beside the client show and react to it
  initial = {
    chosen = {}, -- of the preferences, what was set here
    account = json.null, -- { email, id, name }
  }, -- and user: the profile as the server has it
  persist = { "chosen", "account" },
  version = 1,
})

M.store = user

-- --- who ----------------------------------------------------------------------------------------

local function profile_of(profile)
  return {
    id = profile.id, name = profile.name, email = profile.email, avatar = profile.avatar,
    preferences = profile.preferences,
  }
end

---@param profile User
---@param email? string that the login was made with
function M.logged_in(profile, email)
  user:change("logged in", function(draft)
    draft.user = profile_of(profile)
    draft.account = { email = email or profile.email, id = profile.id, name = profile.name }
  end)
end

---The profile has changed.
---@param profile User
function M.updated(profile)
  user:change("updated", function(draft) draft.user = profile_of(profile) end)
end

function M.logged_out()
  user:change("logged out", function(draft) draft.user = nil end)
  M.set_tokens(nil)
end

---@return User? a view; nil while nobody is logged in
function M.get() return user:get "user" end

---Whose state is kept here: who is logged in, or was the last time.
---@return { id: string, name: string, email?: string }? a view
function M.account() return user:get "account" end

---@param user_id string
---@return boolean
function M.is_me(user_id)
  local me = M.get() or M.account()
  return me ~= nil and me.id == user_id
end

---@return boolean
function M.is_authenticated() return M.get() ~= nil and M.tokens() ~= nil end

---@return { access: string, refresh: string, expires: number }? expires by timer.now
function M.tokens() return script.keep.tokens end

---@param tokens? { access: string, refresh: string, expires: number }
function M.set_tokens(tokens) script.keep.tokens = tokens end

-- --- preferences --------------------------------------------------------------------------------

-- Where neither we nor the server has said anything.
local defaults = { theme = "system", language = "en" }
local channels = { email = false, push = false, desktop = true }

---Sets one of them, here. It holds against what the server has, over restarts too.
---@param name "theme"|"language"|"email"|"push"|"desktop" the last three are notifications
---@param value string|boolean
function M.prefer(name, value)
  user:change("prefer " .. name, function(draft)
    if channels[name] == nil then
      draft.chosen[name] = value
      return
    end
    if not draft.chosen.notifications then draft.chosen.notifications = {} end
    draft.chosen.notifications[name] = value
  end)
end

local function first(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if value ~= nil then return value end
  end
end

-- What we have set, else what the server has, else the default.
local preferences = store.derive({ user }, function(state)
  local chosen, theirs = state.chosen, state.user and state.user.preferences or {}
  local own, other = chosen.notifications or {}, theirs.notifications or {}
  local found = { notifications = {} }
  for name, default in pairs(defaults) do
    found[name] = first(chosen[name], theirs[name], default)
  end
  for name, default in pairs(channels) do
    found.notifications[name] = first(own[name], other[name], default)
  end
  return found
end)

---@return UserPreferences not to be changed
function M.preferences() return preferences:get() end

---Forgets what the one before has set; not who is logged in.
function M.forget()
  user:change("forget", function(draft) draft.chosen = {} end)
end

function M.reset()
  user:reset()
  M.set_tokens(nil)
end

return M
