-- N GETs, WIDTH in flight: run by tests/bench/http/run.
local env = require "tidelock.env"
local http = require "tidelock.http"
local script = require "tidelock.script"
local task = require "tidelock.task"

local url, n, width = env.get "URL", tonumber(env.get "N"), tonumber(env.get "WIDTH")

script.on_start(function()
  local left = n
  local function worker()
    while left > 0 do
      left = left - 1
      local res = assert(http.get(url))
      assert(res.status == 200 and #res.body == 134)
    end
  end
  local workers = {}
  for i = 1, width do workers[i] = worker end
  task.all(workers)
  script.exit(0)
end)
