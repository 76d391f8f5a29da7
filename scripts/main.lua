-- The client: a project chat in the terminal. Run it with `tidelock demo`, which starts a server
-- beside it; or, with a server elsewhere: API_URL=... WS_URL=... tidelock run scripts
-- Edit any file here and save: the running chat changes.
local api = require "services.api"
local chat = require "stores.chat"
local connection = require "connection"
local edge = require "edge"
local input = require "tidelock.input"
local lines = require "flows.lines"
local quitting = require "flows.quitting"
local script = require "tidelock.script"
local startup = require "flows.startup"
local stores = require "stores.all"
local timer = require "tidelock.timer"
local view = require "views.plain"

require "handlers.connection"(connection)
for _, group in ipairs { "chat", "assistant", "projects", "system" } do
  require("handlers." .. group)(edge.of(connection))
end

require "handlers.disk" {
  chat = stores.chat.store, projects = stores.projects.store, user = stores.user.store,
}
require "handlers.reloads"()
require "handlers.session"(api.session)

view.watch()
timer.every("expire", 1, chat.expire)
input.on_line(lines.submit)
input.on_end(quitting.begin)
script.on_start(startup.run)
