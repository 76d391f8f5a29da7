-- Uploads files as a browser's form does, and shows how far each is. Files of any size: they are read while
-- they are sent.
--
--   tidelock run --allow upload:files=DIR examples/upload.lua -- https://api.example.org/attachments FILE...
--
-- API_TOKEN is sent along. What counts is the server's answer: before it comes a file is sent, not stored.
local env = require "tidelock.env"
local http = require "tidelock.http"
local script = require "tidelock.script"

local url = script.args[1]
local token = env.get "API_TOKEN"
local api = http.client { headers = token and { Authorization = "Bearer " .. token }, timeout = 3600 }

local function show(file)
  local shown = -1
  return function(done, total)
    local percent = total and total > 0 and done * 100 // total or 0
    if percent // 10 == shown then return end
    shown = percent // 10
    print(("%s: %d %% of %d bytes"):format(file, percent, total or done))
  end
end

local function upload(file)
  local res, err = api:post(url, {
    multipart = { { name = "file", filename = file:match "[^/]*$", file = file } },
    idempotency_key = true, retries = 3, expect = "2xx", on_progress = show(file),
  })
  print(res and file .. ": stored" or ("%s: not stored: %s"):format(file, err))
  return res ~= nil
end

script.on_start(function()
  if not script.args[2] then
    print "where to, and which files? See the top of this script"
    return script.exit(2)
  end
  local failed = 0
  for i = 2, #script.args do
    if not upload(script.args[i]) then failed = failed + 1 end
  end
  script.exit(failed == 0 and 0 or 1)
end)
