-- Leaves the client, at /quit or at the end of the input. Lines typed before are sent and answered
-- first, for a few seconds at most.
local app = require "stores.app"
local chat = require "stores.chat"
local config = require "config"
local script = require "tidelock.script"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local view = require "views.plain"

local M = {}

local function exit_client()
  local unsent, unanswered = chat.count_waiting(), chat.count_unanswered()
  if unsent > 0 then
    view.show("UNSENT", { lines = unsent })
    return script.exit(1)
  end
  if unanswered > 0 then view.show("UNANSWERED", { answers = unanswered }) end
  script.exit(0)
end

local function wait_and_exit(deadline)
  while not chat.is_idle() and timer.now() < deadline do task.sleep(0.02) end
  exit_client()
end

---Begins to leave; does nothing when that has begun.
function M.begin()
  if app.quit_deadline() then return end
  local deadline = timer.now() + config.quit_timeout
  app.set_quit_deadline(deadline)
  task.spawn(wait_and_exit, deadline)
end

---Continues to leave after a reload.
function M.resume()
  local deadline = app.quit_deadline()
  if deadline then task.spawn(wait_and_exit, deadline) end
end

return M
