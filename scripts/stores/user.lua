-- Who we are, with what we prefer. The tokens are no part of the store, whose history and changes
-- tools may read: they are in script.keep, and live on over reloads as it does.
local script = require "tidelock.script"
local store = require "tidelock.store"

local M = {}

local user = store.define("user", { initial = {} })

M.store = user

---@param profile User
function M.logged_in(profile)
  user:change("logged in", function(draft)
    draft.user = {
      id = profile.id, name = profile.name, email = profile.email, preferences = profile.preferences,
    }
  end)
end

---@return User? a view
function M.get() return user:get "user" end

---@return UserPreferences? a view
function M.preferences() return user:get("user", "preferences") end

---@param user_id string
---@return boolean
function M.is_me(user_id)
  local me = M.get()
  return me ~= nil and me.id == user_id
end

---@return { access: string, refresh: string, expires: number }? expires by timer.now
function M.tokens() return script.keep.tokens end

---@param tokens? { access: string, refresh: string, expires: number }
function M.set_tokens(tokens) script.keep.tokens = tokens end

function M.reset()
  user:reset()
  M.set_tokens(nil)
end

return M
