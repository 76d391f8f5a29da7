-- Leaving: at /quit or at the end of the input. What was typed before is answered first, for some
-- seconds at most.
local app = require "stores.app"
local chat = require "stores.chat"
local config = require "config"
local script = require "tidelock.script"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local view = require "views.plain"

local M = {}

local function leave()
  local unsent, unanswered = chat.count_waiting(), chat.count_unanswered()
  if unsent > 0 then
    view.show("UNSENT", { lines = unsent })
    return script.exit(1)
  end
  if unanswered > 0 then view.show("UNANSWERED", { answers = unanswered }) end
  script.exit(0)
end

local function wait_and_leave(deadline)
  while not chat.is_idle() and timer.now() < deadline do task.sleep(0.02) end
  leave()
end

---Begins to leave; harmless when that has begun.
function M.begin()
  if app.quitting() then return end
  local deadline = timer.now() + config.quit_timeout
  app.quit_by(deadline)
  task.spawn(wait_and_leave, deadline)
end

---Goes on leaving after a reload.
function M.resume()
  local deadline = app.quitting()
  if deadline then task.spawn(wait_and_leave, deadline) end
end

return M
