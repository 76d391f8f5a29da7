-- The connection. It is declared here; flows/startup.lua opens it. It survives edits of any file of
-- the client, this one included, as long as its options stay the same.
local api = require "services.api"
local config = require "config"
local socket = require "tidelock.socket"

return socket.connect("chat", {
  url = config.ws_url,
  auto_connect = false,
  auth = api.session:auth(),
})
