-- The client itself: the state of its connection, of its start and end, the last error. Only the
-- functions below change it. In memory only.
local store = require "tidelock.store"

local M = {}

local app = store.define("app", {
  share = "read", -- hooks beside the client show and react to it
  initial = {
    connection = "idle", -- the state of the socket
    attempts = 0, -- to reconnect, since it was last connected
    loading = false,
    ready = false, -- logged in, with a project open if there is one
    started = false, -- typed lines are processed
    unsaved = {}, -- by store name: true while the disk does not take its changes
  }, -- and last_connected: wall-clock; error; quitting: the deadline for leaving, by timer.now
})

M.store = app

-- --- the connection -----------------------------------------------------------------------------

---@param name string the connection's state
---@return boolean again true when it is connected again, not for the first time
function M.set_connection_state(name)
  local again = app:get "last_connected" ~= nil
  app:change("connection " .. name, function(draft)
    draft.connection = name
    if name == "reconnecting" then draft.attempts = draft.attempts + 1 end
    if name == "connected" then
      draft.attempts, draft.error = 0, nil
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

-- --- loading and errors -------------------------------------------------------------------------

---@param loading boolean
function M.set_loading(loading) app:set { loading = loading } end

---@return boolean
function M.is_loading() return app:get "loading" end

---@param err tidelock.Error|ErrorOccurred
function M.set_error(err)
  app:change("set error", function(draft)
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

-- --- disk, start, end ----------------------------------------------------------------------------

---Stores whether the disk takes the changes of a store.
---@param name string of the store
---@param ok boolean
---@return boolean was whether it took the changes of all stores before this call
---@return boolean is and now
function M.set_disk_state(name, ok)
  local was = M.is_persisted()
  app:change("set disk state", function(draft) draft.unsaved[name] = not ok or nil end)
  return was, M.is_persisted()
end

---Whether the disk takes the changes of all stores.
---@return boolean
function M.is_persisted() return next(store.copy(app:get "unsaved")) == nil end

function M.mark_ready() app:set { ready = true } end

---@return boolean
function M.is_ready() return app:get "ready" end

function M.mark_started() app:set { started = true } end

---@return boolean
function M.is_started() return app:get "started" end

---@param deadline number by timer.now
function M.set_quit_deadline(deadline) app:set { quitting = deadline } end

---@return number? deadline
function M.quit_deadline() return app:get "quitting" end

function M.reset() app:reset() end

return M
