-- Runs beside hostile_script.lua, is not disturbed by it, and ends the process when it has done
-- its steps: what the hostile script can attach to, and a clock that shows how long it held all up.
local env = require "tidelock.env"
local script = require "tidelock.script"
local server = require "tidelock.server"
local socket = require "tidelock.socket"
local store = require "tidelock.store"
local task = require "tidelock.task"
local timer = require "tidelock.timer"

local STEPS, LIMIT = tonumber(env.get "STEPS"), tonumber(env.get "LIMIT")
local srv = server.listen("peer", { port = tonumber(env.get "PORT") })
srv:route("*", "/*rest", function(req) return { path = req.path, length = #req.body } end)
srv:websocket("/ws", {
  message = function(ws, data, binary) ws:send(data, binary) end,
})
srv:io():on("connection", function(sock)
  sock:on_any(function(event, ...) sock:emit(event, ...) end)
end)
socket.connect("chat", { url = env.get "URL", share = "control" })
store.define("shared", { initial = { a = 1 }, share = "write" })

local last, longest = timer.now(), 0
timer.every("clock", 0.01, function()
  local now = timer.now()
  longest, last = math.max(longest, now - last), now
end)

script.on_start(function()
  local progress, began = store.attach "hostile:progress", timer.now()
  local steps, loads = 0, 0
  while steps < STEPS and timer.now() - began < LIMIT do
    task.sleep(0.05)
    pcall(function() steps, loads = progress:get "steps", progress:get "loads" end)
  end
  print(("%d steps, %d loads, longest wait %.3f s, %s"):format(
    steps, loads, longest, steps < STEPS and "STUCK" or "done"))
  script.exit(0)
end)
