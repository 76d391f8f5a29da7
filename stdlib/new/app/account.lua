-- The login of the app.
local env = require "tidelock.env"
local http = require "tidelock.http"

local url = env.get("API_URL", "http://127.0.0.1:8000")
local api = http.client { base_url = url .. "/api", timeout = 5, expect = "2xx" }

local M = { socket_url = env.get("WS_URL", url) }

--- The auth function of socket.connect: called at every connect.
function M.login()
  local res, err = api:post("/auth/login", {
    json = { email = env.get("CHAT_EMAIL", "demo@example.com"), password = env.get("CHAT_PASSWORD", "demo") },
  })
  if not res then return nil, err end
  return { token = res:json().data.token }
end

return M
