-- Many connections in one process. Told by lines on standard input what to do with them all, it
-- prints `WHAT SECONDS` when that is done for every one: declare, open (each has been sent
-- `welcome`), echo (each has got back what it said), close. Run by many_test.sh, which looks at
-- the process meanwhile.
local env = require "tidelock.env"
local input = require "tidelock.input"
local socket = require "tidelock.socket"
local script = require "tidelock.script"
local timer = require "tidelock.timer"

local many = math.tointeger(tonumber(env.get("MANY", "300")))
local url = env.get "WS_URL"
local all, welcomed = {}, {}
local left, what, from = 0, nil, 0

local function begin(name)
  left, what, from = many, name, timer.now()
end

local function one_more()
  left = left - 1
  if left == 0 then print(("%s %.2f"):format(what, timer.now() - from)) end
end

local function add(i)
  local s = socket.connect("c" .. i, {
    url = url, ca = env.get "CA", auto_connect = false, transports = { "websocket" },
  })
  all[i] = s
  s:on("welcome", function()
    welcomed[i] = (welcomed[i] or 0) + 1
    one_more()
  end)
  s:on("echo", function(text)
    assert(text == "hello " .. i, "somebody else's echo")
    one_more()
  end)
  s:on_state(function(state, info)
    if state == "closed" then one_more() end
    if state == "reconnecting" then print(("lost %s: %s"):format(s.name or i, info.detail or info.reason)) end
  end)
end

local commands = {}

function commands.declare()
  for i = 1, many do
    add(i)
    one_more()
  end
end

function commands.open()
  for _, s in ipairs(all) do s:connect() end
end

function commands.echo()
  for i, s in ipairs(all) do assert(s:emit("echo", "hello " .. i)) end
end

function commands.close()
  for _, s in ipairs(all) do s:disconnect() end
end

input.on_line(function(line)
  begin(line)
  commands[line]()
end)
input.on_end(function() script.exit(0) end)
print "ready"
