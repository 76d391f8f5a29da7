-- A program whose last act is a disconnect, behind more than the system takes at once: run by ws_test.sh.
local env = require "tidelock.env"
local socket = require "tidelock.socket"

local s = socket.connect("s", {
  url = env.get "WS_URL" .. "/?last-words", protocol = "websocket", buffer = { unsent = 64000000 },
})
s:on("connect", function()
  for _ = 1, 8 do assert(s:send(("x"):rep(4000000), { binary = true })) end
  s:disconnect(4003, "that was all")
end)
