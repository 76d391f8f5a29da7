-- Repeats a step until it succeeds or fails for good.
local config = require "config"
local task = require "tidelock.task"
local timer = require "tidelock.timer"

local M = {}

---@param step fun(): any, tidelock.Error?
---@param on_wait? fun(err: tidelock.Error) called once, when it takes longer than config.patience
---@return any? result
---@return tidelock.Error? err the first that is not recoverable
function M.persist(step, on_wait)
  local delay, start = config.retry_delay, timer.now()
  while true do
    local result, err = step()
    if not err then return result end
    if not err.recoverable then return nil, err end
    if on_wait and timer.now() - start >= config.patience then
      on_wait(err)
      on_wait = nil
    end
    task.sleep(math.max(delay, err.retry_after or 0))
    delay = math.min(delay * 2, config.retry_max_delay)
  end
end

return M
