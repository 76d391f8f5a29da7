-- What the server last told of itself.
local store = require "tidelock.store"

local M = {}

local system = store.define("system", { initial = {} })

M.store = system

local looks = { healthy = "good", degraded = "bad", down = "bad" }

---@param status SystemStatus
function M.told(status)
  system:change("told", function(draft)
    draft.ai, draft.memory = status.aiService, status.memoryService
    draft.users = status.activeUsers
  end)
end

---How a word for health is to look; one that we do not know is neither good nor bad.
---@param health Health
---@return "good"|"bad"|"neutral"
function M.look(health) return looks[health] or "neutral" end

function M.reset() system:reset() end

return M
