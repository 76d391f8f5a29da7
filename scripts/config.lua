-- What may be set of the client: from the environment, with what the demo uses where it is silent.
local env = require "tidelock.env"

return {
  api_url = env.get("API_URL", "http://127.0.0.1:8000"),
  ws_url = env.get("WS_URL", env.get("API_URL", "http://127.0.0.1:8000")),

  email = env.get("CHAT_EMAIL", "demo@example.com"),
  password = env.get("CHAT_PASSWORD", "demo"),

  -- All in seconds.
  request_timeout = 10,
  retry_delay = 0.1, -- the first pause before trying again; doubled up to
  retry_max_delay = 5,
  patience = 1, -- how long the server may stay away before it is said
  quit_timeout = 5, -- what was typed before is answered first, for so long at most
  refresh_early = 20, -- an access token that ends within this is renewed before it is used

  history = 20, -- messages shown of a session when it is opened
  catch_up = 100, -- messages fetched then, at most
  typing_timeout = 6, -- a sign of typing is good for so long
  assistant_timeout = 60, -- silent for so long, it is taken to have ended

  max_lines = 1000, -- typed lines that may wait
}
