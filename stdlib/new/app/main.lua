-- An app: a folder whose .lua files can be required by name. This one counts the messages of each
-- user, and stores the counts.
--   tidelock demo NAME        beside the demo's client: type something
--   tidelock run NAME         with the server that API_URL and WS_URL name
--   tidelock test NAME
local json = require "tidelock.json"
local script = require "tidelock.script"
local socket = require "tidelock.socket"
local store = require "tidelock.store"

local account = require "account"
local counting = require "counting"

local counts = store.define("counts", { initial = { users = json.object {} }, persist = { "users" } })
local chat = socket.connect("chat", { url = account.socket_url, auth = account.login })

chat:on_state(function(state, info) print("NAME: " .. state, info.reason or "") end)

chat:on("new_message", function(message)
  counts:change("count", function(draft) counting.add(draft.users, message) end)
end)

counts:subscribe("users", function(users) print("NAME: " .. counting.summary(users)) end)

script.on_start(function() print("NAME: " .. counting.summary(counts:get "users")) end)
