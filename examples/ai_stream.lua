-- Asks an AI and prints the answer as it comes:
--   AI_KEY=... tidelock run examples/ai_stream.lua -- "Why is the sea salty?"
-- AI_URL and AI_MODEL name another service that streams as OpenAI's chat completions do. Without AI_KEY and
-- AI_URL the server at the end of this file answers.
local env = require "tidelock.env"
local http = require "tidelock.http"
local json = require "tidelock.json"
local script = require "tidelock.script"
local server = require "tidelock.server"

local key, url = env.get "AI_KEY", env.get "AI_URL"
if key and not url then url = "https://api.openai.com/v1/chat/completions" end

local function ask(question)
  local options = {
    method = "POST",
    headers = { Authorization = key and "Bearer " .. key },
    json = {
      model = env.get("AI_MODEL", "gpt-4o-mini"),
      stream = true,
      messages = { { role = "user", content = question } },
    },
  }
  for event in http.events(url, options) do
    if event.data == "[DONE]" then break end
    local part = assert(json.decode(event.data))
    local delta = part.choices and part.choices[1] and part.choices[1].delta
    local text = delta and delta.content
    if text and text ~= json.null then io.write(text) end
  end
  io.write "\n"
end

local own = not url and server.listen("ai", {})

script.on_start(function()
  if own then url = own.url .. "/chat" end
  local ok, err = pcall(ask, table.concat(script.args, " "))
  if not ok then print("failed: " .. tostring(err)) end
  script.exit(ok and 0 or 1)
end)

if own then
  own:post("/chat", function(req)
    local asked = req:json().messages[1].content
    local out = {}
    for word in ("You asked: " .. asked):gmatch "%S+%s*" do
      out[#out + 1] = "data: " .. json.encode { choices = { { delta = { content = word } } } }
    end
    out[#out + 1] = "data: [DONE]\n\n"
    return 200, table.concat(out, "\n\n"), { ["Content-Type"] = "text/event-stream" }
  end)
end
