-- What the server last told of itself. Nothing of it outlives the process.
local store = require "tidelock.store"

local M = {}

local system = store.define("system", { initial = {}, share = "read" })

M.store = system

local looks = { healthy = "good", degraded = "bad", down = "bad" }

---@param status SystemStatus
function M.told(status)
  system:change("told", function(draft)
    draft.ai, draft.memory = status.aiService, status.memoryService
    draft.users = status.activeUsers
  end)
end

---@return { ai: Health, memory: Health, users: integer }? a view; nil before the server has told it
function M.status()
  local status = system:get()
  return status.ai and status or nil
end

---How a word for health is to look; one that we do not know is neither good nor bad.
---@param health? Health
---@return "good"|"bad"|"neutral"
function M.look(health) return looks[health] or "neutral" end

function M.reset() system:reset() end

return M
