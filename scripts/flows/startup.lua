-- The start: log in, list the projects, open the first one, connect. The server may start later
-- than we do. After a reload what is done is not done again.
local app = require "stores.app"
local auth = require "services.auth"
local config = require "config"
local connection = require "connection"
local lines = require "flows.lines"
local opening = require "flows.opening"
local quitting = require "flows.quitting"
local retrying = require "flows.retrying"
local script = require "tidelock.script"
local state = require "state"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local user = require "stores.user"
local view = require "views.plain"

local M = {}

local function give_up(err)
  app.failed(err)
  view.error(err, "FAILED", { url = config.api_url })
  script.exit(1)
end

local function say_waiting() view.show("WAITING_FOR_SERVER", { url = config.api_url }) end

local function start()
  local ok, err = retrying.persist(auth.login, say_waiting)
  if not ok then return nil, err end
  view.show("LOGGED_IN", { name = user.get().name })
  return retrying.persist(opening.open_first, say_waiting)
end

-- For a moment: so that what the first lines bring about is heard. See handlers/connection.lua.
local function await_connection()
  local deadline = timer.now() + config.patience
  while not connection.connected and timer.now() < deadline do task.sleep(0.005) end
end

---@param reason "start"|"reload"
function M.run(reason)
  quitting.resume()
  if reason == "reload" and app.is_started() then return lines.work() end
  local ok, err = true, nil
  if not state.is_open() then
    app.loading(true)
    ok, err = start()
    app.loading(false)
  end
  if not ok then return give_up(err) end
  connection:connect()
  await_connection()
  lines.start()
end

return M
