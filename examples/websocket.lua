-- A plain WebSocket: sends typed lines, prints received messages, and reconnects after a loss.
--
--   WS_URL=wss://echo.example.org/ tidelock run examples/websocket.lua
local env = require "tidelock.env"
local input = require "tidelock.input"
local socket = require "tidelock.socket"

local peer = socket.connect("peer", {
  url = env.get("WS_URL", "ws://127.0.0.1:8080"),
  protocol = "websocket",
})

peer:on("message", function(data, binary)
  print(binary and ("< %d bytes"):format(#data) or "< " .. data)
end)

peer:on_state(function(state, info)
  print("* " .. state .. (info.reason and ": " .. info.reason or ""))
end)

input.on_line(function(line)
  local ok, err = peer:send(line)
  if not ok then print("* " .. tostring(err)) end
end)

input.on_end(function() peer:disconnect(1000, "bye") end)
