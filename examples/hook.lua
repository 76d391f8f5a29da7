-- A hook: listens on a connection that another script has declared, here the client's. The scripts do
-- not depend on each other: either may be edited, or fail, while the other goes on.
--   tidelock run client=scripts examples/hook.lua
local socket = require "tidelock.socket"

local chat = socket.attach("client:chat") -- pending until it exists

chat:on_state(function(state) print("hook: the connection is " .. state) end)

chat:on("new_message", function(message)
  local words = select(2, message.content:gsub("%S+", ""))
  print(("hook: %s wrote %d words"):format(message.userName, words))
end)
