-- An echo bot: repeats what others say in a room. tidelock run examples/echo_bot.lua
-- A server to try it with: node tests/peer/socketio_server.js --port=3000
local env = require "tidelock.env"
local socket = require "tidelock.socket"

local chat = socket.connect("chat", { url = env.get("WS_URL", "http://127.0.0.1:3000") })

chat:on("connect", function() chat:emit("join", "lobby") end)

chat:on("said", function(text, from)
  if from ~= chat.id then chat:emit("say", "lobby", "echo: " .. text) end
end)
