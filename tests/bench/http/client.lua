-- N GETs, WIDTH in flight, through MIDDLEWARE functions that hand the request on.
-- Run by tests/bench/http/run.
local env = require "tidelock.env"
local http = require "tidelock.http"
local script = require "tidelock.script"
local task = require "tidelock.task"

local url, n, width = env.get "URL", tonumber(env.get "N"), tonumber(env.get "WIDTH")

local get = http.get
local layers = tonumber(env.get("MIDDLEWARE", "0"))
if layers > 0 then
  local api = http.client {}
  for _ = 1, layers do api:use(function(req, next) return next(req) end) end
  get = function(one) return api:get(one) end
end

script.on_start(function()
  local left = n
  local function worker()
    while left > 0 do
      left = left - 1
      local res = assert(get(url))
      assert(res.status == 200 and #res.body == 134)
    end
  end
  local workers = {}
  for i = 1, width do workers[i] = worker end
  task.all(workers)
  script.exit(0)
end)
