-- The start: show what was kept, log in, list the projects, open what was open or the first one,
-- connect. The server may start later than we do. After a reload what is done is not done again.
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
  app.failed(err)
  view.error(err, "FAILED", { url = config.api_url })
  script.exit(1)
end

local function say_waiting() view.show("WAITING_FOR_SERVER", { url = config.api_url }) end

-- Whether what is kept is of another user, who must not be seen by this one.
local function is_of_another()
  local account = user.account()
  return account ~= nil and account.email ~= config.email
end

-- What there was the last time, before the server is asked for anything.
local function show_kept()
  if is_of_another() then
    projects.close()
    return view.show("OF_ANOTHER", { email = user.account().email })
  end
  local project, session = projects.current(), screen.session()
  if session then
    view.show("KEPT", { project = project.name, session = session.title })
    opening.show_held()
  end
  local waiting, refused = chat.count_waiting(), chat.count_refused()
  if waiting > 0 then view.show("KEPT_LINES", { lines = waiting }) end
  if refused > 0 then view.show("KEPT_REFUSED", { lines = refused }) end
end

local function log_in(begun)
  local another = is_of_another()
  local ok, err = retrying.persist(auth.login, say_waiting)
  if not ok then return nil, err end
  if another then stores.forget(begun) end
  view.show("LOGGED_IN", { name = user.get().name })
  return true
end

local function start(begun)
  local ok, err = log_in(begun)
  if not ok then return nil, err end
  return retrying.persist(opening.open_last, say_waiting)
end

---@param reason "start"|"reload"
function M.run(reason)
  quitting.resume()
  if reason == "reload" and app.is_started() then return lines.work() end
  if not app.is_ready() then
    local begun = os.time()
    if reason == "start" then show_kept() end
    app.loading(true)
    local ok, err = start(begun)
    app.loading(false)
    if not ok then return give_up(err) end
    app.ready()
  end
  connection:connect()
  connection:wait(config.patience) -- so that what the first lines bring about is heard
  lines.start()
end

return M
