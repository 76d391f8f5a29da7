-- Fetches JSON over HTTP and prints it: tidelock run examples/fetch.lua -- URL
local http = require "tidelock.http"
local json = require "tidelock.json"
local script = require "tidelock.script"

script.on_start(function()
  local url = script.args[1]
  if not url then
    print "usage: tidelock run examples/fetch.lua -- URL"
    return script.exit(2)
  end
  local res, err = http.get(url, { timeout = 10, expect = "2xx" })
  local value
  if res then value, err = res:json() end
  if err then
    print("failed: " .. tostring(err))
    return script.exit(1)
  end
  print(json.encode(value, { pretty = true }))
end)
