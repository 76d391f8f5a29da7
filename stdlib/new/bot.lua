-- A bot: answers everyone who says hello.
--   tidelock demo NAME.lua        beside the demo's client: say hello
--   tidelock run NAME.lua         with the server that API_URL and WS_URL name
--   tidelock test NAME_test.lua
local env = require "tidelock.env"
local http = require "tidelock.http"
local script = require "tidelock.script"
local socket = require "tidelock.socket"

local M = {}

local url = env.get("API_URL", "http://127.0.0.1:8000")
local api = http.client { base_url = url .. "/api", timeout = 5, expect = "2xx" }

local function log_in()
  local res, err = api:post("/auth/login", {
    json = { email = env.get("CHAT_EMAIL", "demo@example.com"), password = env.get("CHAT_PASSWORD", "demo") },
  })
  if not res then return nil, err end
  script.keep.token = res:json().data.token -- lives on over a reload, as the connection does
  return { token = script.keep.token }
end

--- The answer to a message, or nil. The bot also receives its own messages.
function M.answer(message)
  if message.type ~= "user" or not message.content:lower():find "^hello" then return nil end
  return "Welcome aboard, " .. message.userName .. "!"
end

local chat = socket.connect("chat", {
  url = env.get("WS_URL", url),
  auth = log_in,
  auto_connect = not script.name:find "_test$", -- its test requires this file, and needs no server
})

chat:on_state(function(state, info) print("NAME: " .. state, info.reason or "") end)

chat:on("new_message", function(message)
  local text = M.answer(message)
  if not text then return end
  local res, err = api:post("/chat/messages", {
    headers = { Authorization = "Bearer " .. script.keep.token },
    json = { sessionId = message.sessionId, content = text },
  })
  print("NAME: " .. (res and "welcomed " .. message.userName or "not answered: " .. tostring(err)))
end)

return M
