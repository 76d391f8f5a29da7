-- Posts each line of standard input as a signed webhook; a failed one is repeated, and counts once.
-- seq 3 | HOOK_URL=http://127.0.0.1:8080/push HOOK_SECRET=s3cret tidelock run examples/webhook.lua
local crypto = require "tidelock.crypto"
local date = require "tidelock.date"
local env = require "tidelock.env"
local http = require "tidelock.http"
local input = require "tidelock.input"
local json = require "tidelock.json"

local url, secret = env.get "HOOK_URL", env.get "HOOK_SECRET"

-- The signature is that of the bytes that are sent, with the time at which they were made.
local function signed(body)
  local time = date.format(os.time())
  return { ["X-Time"] = time, ["X-Signature"] = crypto.hmac("sha256", secret, time .. "." .. body) }
end

input.on_line(function(line)
  local body = assert(json.encode { text = line })
  local res, err = http.post(url, body, {
    headers = signed(body), idempotency_key = true, retries = 4, timeout = 60, expect = "2xx",
  })
  print(res and "posted " .. line or ("%s was not posted: %s"):format(line, err))
end)
