-- Sends numbers by timers while it is stopped and goes on (standstill_test.sh); then looks which of
-- those that were taken have come. Prints "GO" when it may be stopped.
local env = require "tidelock.env"
local http = require "tidelock.http"
local script = require "tidelock.script"
local socket = require "tidelock.socket"
local task = require "tidelock.task"
local timer = require "tidelock.timer"

local kind, transport = env.get "KIND", env.get "TRANSPORT"
local url = env.get "WS_URL"
local reconnect = { delay = 0.01, max_delay = 0.05 }
local options = { url = url, reconnect = reconnect, transports = { transport } }
if kind == "retries" then options.retries, options.ack_timeout = 5, 1 end
if transport == "plain" then
  options = { url = url .. "/plain", protocol = "websocket", reconnect = reconnect,
    heartbeat = { interval = 0.2, timeout = 0.2 } }
end
local s = socket.connect("s", options)
local sent, dropped, losses, going = {}, {}, 0, true
local key = kind .. transport
s:on_drop(function(_, why) dropped[#dropped + 1] = why end)
s:on_state(function(state) if state == "reconnecting" then losses = losses + 1 end end)

-- What it gives tells whether number i will come.
local ways = {
  emit = function(i) return s:emit("note", key, i) end,
  retries = function(i) return s:emit("note", key, i) end,
  call = function(i) return s:timeout(5):call("note", key, i) == i end,
  send = function(i) return s:send(key .. " " .. i) end,
}

local function missing()
  local come, list = {}, {}
  for _, i in ipairs(http.get(url .. "/heard?" .. key):json()) do
    i = math.tointeger(tonumber(i))
    come[i] = (come[i] or 0) + 1
    if come[i] > 1 and kind ~= "retries" then list[#list + 1] = i .. " twice" end
  end
  for _, i in ipairs(sent) do
    if not come[i] then list[#list + 1] = tostring(i) end
  end
  return list
end

script.on_start(function()
  while not s.connected do task.sleep(0.01) end
  local n = 0
  -- Several timers, so that some are due before the heartbeat's and some behind.
  for _ = 1, 5 do
    timer.every(0.02, function()
      if not going then return end
      n = n + 1
      local i = n
      if ways[kind](i) then sent[#sent + 1] = i end
    end)
  end
  task.sleep(0.3)
  print "GO"
  while losses == 0 do task.sleep(0.02) end
  while not s.connected do task.sleep(0.01) end
  task.sleep(0.2)
  going = false
  task.sleep(0.5)
  local lost = missing()
  local words = ("%d sent, %d dropped, missing: %s"):format(#sent, #dropped, table.concat(lost, " "))
  print((#lost <= #dropped and #sent > 20 and "ok " or "not ok ") .. words)
  script.exit(0)
end)
