-- A ticker: sends a number to all other clients each second. tidelock run examples/ticker.lua
-- Edit it and save: the count continues (script.keep), and so does the rhythm (a named timer).
local env = require "tidelock.env"
local script = require "tidelock.script"
local socket = require "tidelock.socket"
local timer = require "tidelock.timer"

local seconds = tonumber(env.get("TICK_SECONDS", "1"))
local chat = socket.connect("chat", { url = env.get("WS_URL", "http://127.0.0.1:3000") })

timer.every("tick", seconds, function()
  script.keep.count = (script.keep.count or 0) + 1
  chat.volatile:emit("broadcast", "tick " .. script.keep.count) -- dropped while not connected
end)
