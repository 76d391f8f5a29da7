-- The client itself: how the connection is, whether it is starting, what went wrong last, whether
-- it is leaving. Changed by the functions here alone. Nothing of it outlives the process.
local store = require "tidelock.store"

local M = {}

local app = store.define("app", {
  share = "read", -- hooks beside the client show and react to it
  initial = {
    connection = "idle", -- as the socket calls it
    attempts = 0, -- to connect again, since it was connected
    refused = false, -- the last try, for our token
    loading = false,
    ready = false, -- logged in, with a project open if there is one
    started = false, -- typed lines are dealt with
    unkept = {}, -- the stores that the disk does not take: true
  }, -- and last_connected: wall-clock; error; quitting: when it must have ended, by timer.now
})

M.store = app

-- --- the connection -----------------------------------------------------------------------------

---@param name string the connection's state
---@return boolean again when it is connected, and was before
function M.connection_is(name)
  local again = app:get "last_connected" ~= nil
  app:change("connection " .. name, function(draft)
    draft.connection = name
    if name == "reconnecting" then draft.attempts = draft.attempts + 1 end
    if name == "connected" then
      draft.attempts, draft.refused, draft.error = 0, false, nil
      draft.last_connected = os.time()
    end
  end)
  return again and name == "connected"
end

---@class ConnectionStatus
---@field connected boolean
---@field reconnecting boolean
---@field attempts integer
---@field last_connected? number wall-clock seconds

---@return ConnectionStatus
function M.connection()
  local state = app:get()
  return {
    connected = state.connection == "connected", reconnecting = state.connection == "reconnecting",
    attempts = state.attempts, last_connected = state.last_connected,
  }
end

---True the first time since it was connected: so a refusal is answered by one new token.
---@return boolean
function M.refused_first()
  local first = not app:get "refused"
  app:set { refused = true }
  return first
end

-- --- what it is doing, and what went wrong ------------------------------------------------------

---@param loading boolean
function M.loading(loading) app:set { loading = loading } end

---@return boolean
function M.is_loading() return app:get "loading" end

---@param err tidelock.Error|ErrorOccurred
function M.failed(err)
  app:change("failed", function(draft)
    draft.error = {
      message = err.message, code = err.code, time = os.time(),
      severity = err.severity, recoverable = err.recoverable,
    }
  end)
end

---@return { message: string, code: string, time: number }? a view
function M.error() return app:get "error" end

function M.clear_error()
  app:change("clear error", function(draft) draft.error = nil end)
end

-- --- from the start to the end ------------------------------------------------------------------

---Whether the disk takes what changes of a store.
---@param name string of the store
---@param ok boolean
---@return boolean was whether it took all that is kept, until now
---@return boolean is
function M.disk_is(name, ok)
  local was = M.is_kept()
  app:change("disk", function(draft) draft.unkept[name] = not ok or nil end)
  return was, M.is_kept()
end

---@return boolean
function M.is_kept() return next(store.copy(app:get "unkept")) == nil end

function M.ready() app:set { ready = true } end

---@return boolean
function M.is_ready() return app:get "ready" end

function M.start() app:set { started = true } end

---@return boolean
function M.is_started() return app:get "started" end

---@param deadline number by timer.now
function M.quit_by(deadline) app:set { quitting = deadline } end

---@return number? deadline
function M.quitting() return app:get "quitting" end

function M.reset() app:reset() end

return M
