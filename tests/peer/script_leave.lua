-- Emits, and has nothing left to wait for, or ends of its own accord: run by leave_test.sh.
local env = require "tidelock.env"
local script = require "tidelock.script"
local socket = require "tidelock.socket"
local s = socket.connect("s", { url = env.get "WS_URL", parser = env.get "PARSER",
  transports = { env.get "TRANSPORT" }, query = { name = env.get "HOW" .. " " .. env.get "TRANSPORT" } })
s:on("connect", function()
  for i = 1, 200 do s:emit("number", i) end
  if env.get "HOW" == "exit" then script.exit(0) else s:disconnect() end
end)
