-- The start: shows the stored state, logs in, lists the projects, opens the last one or the first,
-- connects. The server may start later than the client. A reload does not repeat finished steps.
local app = require "stores.app"
local auth = require "services.auth"
local chat = require "stores.chat"
local config = require "config"
local connection = require "connection"
local lines = require "flows.lines"
local opening = require "flows.opening"
local projects = require "stores.projects"
local quitting = require "flows.quitting"
local retrying = require "flows.retrying"
local script = require "tidelock.script"
local screen = require "screen"
local stores = require "stores.all"
local user = require "stores.user"
local view = require "views.plain"

local M = {}

local function give_up(err)
  app.set_error(err)
  view.error(err, "FAILED", { url = config.api_url })
  script.exit(1)
end

local function show_waiting() view.show("WAITING_FOR_SERVER", { url = config.api_url }) end

-- Whether the stored state is another user's: then this one must not see it.
local function belongs_to_another()
  local account = user.account()
  return account ~= nil and account.email ~= config.email
end

-- Shows the state of the last time, before any request.
local function show_stored_state()
  if belongs_to_another() then
    projects.close()
    return view.show("OF_ANOTHER", { email = user.account().email })
  end
  local project, session = projects.current(), screen.session()
  if session then
    view.show("KEPT", { project = project.name, session = session.title })
    opening.show_stored()
  end
  local waiting, refused = chat.count_waiting(), chat.count_refused()
  if waiting > 0 then view.show("KEPT_LINES", { lines = waiting }) end
  if refused > 0 then view.show("KEPT_REFUSED", { lines = refused }) end
end

local function log_in(started_at)
  local another = belongs_to_another()
  local ok, err = retrying.persist(auth.login, show_waiting)
  if not ok then return nil, err end
  if another then stores.forget(started_at) end
  view.show("LOGGED_IN", { name = user.get().name })
  return true
end

local function log_in_and_open(started_at)
  local ok, err = log_in(started_at)
  if not ok then return nil, err end
  return retrying.persist(opening.open_last, show_waiting)
end

---@param reason "start"|"reload"
function M.run(reason)
  quitting.resume()
  auth.adopt_tokens()
  if reason == "reload" and app.is_started() then return lines.process() end
  if not app.is_ready() then
    local started_at = os.time()
    if reason == "start" then show_stored_state() end
    app.set_loading(true)
    local ok, err = log_in_and_open(started_at)
    app.set_loading(false)
    -- Who leaves meanwhile has cut the requests of the start.
    if not ok and err.code == "CANCELLED" then return end
    if not ok then return give_up(err) end
    app.mark_ready()
  end
  connection:connect()
  connection:wait(config.patience) -- for the events that the first lines cause
  lines.start()
end

return M
