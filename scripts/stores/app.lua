-- The client itself: how the connection is, whether it is starting, what went wrong last, whether
-- it is leaving. Changed by the functions here alone.
local store = require "tidelock.store"

local M = {}

local app = store.define("app", {
  initial = {
    connection = "idle", -- as the socket calls it
    was_connected = false,
    refused = false, -- the last try, for our token
    loading = false,
    started = false, -- typed lines are dealt with
  }, -- and error: { message, code }; quitting: when it must have ended, by timer.now
})

M.store = app

---@param name string the connection's state
---@return boolean again when it is connected, and was before
function M.connection_is(name)
  local again = app:get "was_connected"
  app:change("connection " .. name, function(draft)
    draft.connection = name
    if name == "connected" then
      draft.was_connected, draft.refused, draft.error = true, false, nil
    end
  end)
  return again and name == "connected"
end

---True the first time since it was connected: so a refusal is answered by one new token.
---@return boolean
function M.refused_first()
  local first = not app:get "refused"
  app:set { refused = true }
  return first
end

---@param loading boolean
function M.loading(loading) app:set { loading = loading } end

---@param err { message: string, code: string }
function M.failed(err)
  app:change("failed", function(draft) draft.error = { message = err.message, code = err.code } end)
end

function M.start() app:set { started = true } end

---@return boolean
function M.is_started() return app:get "started" end

---@param deadline number by timer.now
function M.quit_by(deadline) app:set { quitting = deadline } end

---@return number? deadline
function M.quitting() return app:get "quitting" end

function M.reset()
  app:reset()
end

return M
