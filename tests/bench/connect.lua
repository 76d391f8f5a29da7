-- How long connecting takes, for tests/bench/connect: N connections, one after the other, each a new one.
local env = require "tidelock.env"
local script = require "tidelock.script"
local socket = require "tidelock.socket"
local timer = require "tidelock.timer"

local transports
for name in env.get("TRANSPORTS", ""):gmatch "%a+" do
  transports = transports or {}
  transports[#transports + 1] = name
end
local s = socket.connect("s", { url = env.get "WS_URL", auto_connect = false, transports = transports })
local times, from = {}, 0
local function go()
  from = timer.now()
  s:connect()
end
s:on_state(function(state)
  if state == "connected" then
    times[#times + 1] = (timer.now() - from) * 1000
    s:disconnect()
  elseif state == "closed" and #times < tonumber(env.get("N", "20")) then
    timer.after(0.05, go)
  elseif state == "closed" then
    print(table.concat(times, " "))
    script.exit(0)
  end
end)
script.on_start(go)
