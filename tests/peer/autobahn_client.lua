-- The client's side of the Autobahn test suite: asks the fuzzing server how many cases there
-- are, opens a connection for each of them, echoes what comes as it came, and lets the server
-- write its report. WS_URL is the server (ws://127.0.0.1:9001), AGENT our name in the report,
-- FROM and TO narrow the cases, DEFLATE is the option deflate as JSON. Exit status 1 when the server
-- is not such a one.
--   WS_URL=ws://127.0.0.1:9001 build/tidelock run --no-watch --memory tests/peer/autobahn_client.lua
local env = require "tidelock.env"
local json = require "tidelock.json"
local script = require "tidelock.script"
local socket = require "tidelock.socket"

local URL = env.get("WS_URL", "ws://127.0.0.1:9001"):gsub("/+$", "")
local AGENT = env.get("AGENT", "tidelock")
local DEFLATE = json.decode(env.get("DEFLATE", '{ "threshold": 0 }'))

-- Opens a connection of its own for the path; done(info) once it is closed.
local function visit(name, path, on_message, done)
  local conn = socket.connect(name, {
    url = URL .. path, protocol = "websocket", reconnect = false, deflate = DEFLATE,
  })
  conn:on("message", function(data, binary) on_message(conn, data, binary) end)
  conn:on_state(function(state, info)
    if state == "closed" then done(info) end
  end)
end

local function echo(conn, data, binary)
  conn:send(data, { binary = binary })
end

local function report()
  visit("report", "/updateReports?agent=" .. AGENT, function() end, function() script.exit(0) end)
end

local function run(case, last)
  if case > last then return report() end
  visit("case" .. case, ("/runCase?case=%d&agent=%s"):format(case, AGENT), echo,
    function() run(case + 1, last) end)
end

script.on_start(function()
  local count
  visit("count", "/getCaseCount", function(_, data) count = math.tointeger(tonumber(data)) end,
    function(info)
      if not count then
        print("no fuzzing server at " .. URL .. ": " .. (info.detail or info.reason or "no count"))
        return script.exit(1)
      end
      local from = math.tointeger(tonumber(env.get("FROM", "1")))
      run(from, math.min(count, math.tointeger(tonumber(env.get("TO", tostring(count))))))
    end)
end)
