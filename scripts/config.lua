-- The client's settings: from the environment, with defaults that suit the demo.
local env = require "tidelock.env"

return {
  api_url = env.get("API_URL", "http://127.0.0.1:8000"),
  ws_url = env.get("WS_URL", env.get("API_URL", "http://127.0.0.1:8000")),

  email = env.get("CHAT_EMAIL", "demo@example.com"),
  password = env.get("CHAT_PASSWORD", "demo"),

  -- All in seconds.
  request_timeout = 10,
  retry_delay = 0.1, -- the first pause before a retry; each next one is twice as long
  retry_max_delay = 5, -- at most
  patience = 1, -- how long the server may be unreachable before a line says so
  quit_timeout = 5, -- how long to wait for answers before leaving

  history = 20, -- messages shown of a session when it is opened
  catch_up = 100, -- messages fetched then, at most
  typing_timeout = 6, -- after this a user counts as no longer typing
  assistant_timeout = 60, -- after this without an event the assistant's work counts as ended

  max_lines = 1000, -- typed lines that may wait
}
