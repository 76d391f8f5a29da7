-- The connection. It is declared here; flows/startup.lua opens it. It survives edits of any file of
-- the client, this one included, as long as its options stay the same.
local auth = require "services.auth"
local config = require "config"
local socket = require "tidelock.socket"

return socket.connect("chat", {
  url = config.ws_url,
  auto_connect = false,
  auth = function()
    local token, err = auth.token()
    if not token then return nil, err end
    return { token = token }
  end,
})
