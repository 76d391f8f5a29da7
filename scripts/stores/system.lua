-- The server's status, as last reported. In memory only.
local store = require "tidelock.store"

local M = {}

local system = store.define("system", { initial = {}, share = "read" })

M.store = system

local tones = { healthy = "good", degraded = "bad", down = "bad" }

---@param status SystemStatus
function M.set_status(status)
  system:change("set status", function(draft)
    draft.ai, draft.memory = status.aiService, status.memoryService
    draft.users = status.activeUsers
  end)
end

---@return { ai: Health, memory: Health, users: integer }? a view; nil before the first report
function M.status()
  local status = system:get()
  return status.ai and status or nil
end

---The tone in which a state of health is shown; an unknown word is neutral.
---@param health? Health
---@return "good"|"bad"|"neutral"
function M.health_tone(health) return tones[health] or "neutral" end

function M.reset() system:reset() end

return M
