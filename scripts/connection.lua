-- The one connection. It is declared here and made when the start-up asks for it; it lives on when
-- any file of the client is edited, this one included, as long as the options stay the same.
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
