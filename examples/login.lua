-- A login that outlives the process, and requests that carry its token. The first run asks API_USER and
-- API_PASSWORD of the environment; the next ones go on with what is kept.
--
--   API_URL=https://api.example.org API_USER=ann API_PASSWORD=... tidelock run examples/login.lua
local env = require "tidelock.env"
local http = require "tidelock.http"
local script = require "tidelock.script"
local session = require "tidelock.session"

local url = env.get("API_URL", "http://127.0.0.1:8000")
local api -- login and refresh may use it: what they send carries no token

-- The answer of the server as the pair that a session keeps.
local function read_pair(answer, err)
  if not answer then return nil, err end
  return { access = answer.token, refresh = answer.refreshToken, expires_in = answer.expiresIn }
end

local me = session.define("me", {
  login = function(email, password)
    return read_pair(api:post("/api/auth/login", { json = { email = email, password = password } }))
  end,
  refresh = function(token)
    local pair, err = read_pair(api:post("/api/auth/refresh", { json = { refreshToken = token } }))
    -- What OAuth calls invalid_grant is a plain 401 here: only that ends the session.
    if err and err.status == 401 then return nil, { code = "invalid_grant", message = err.message } end
    return pair, err
  end,
})
api = http.client { base_url = url, session = me, value = true }

me:on_change(function(state)
  if state.status == "closed" then print("not logged in: " .. (state.reason or "no login yet")) end
end)

script.on_start(function()
  local profile, err = api:get "/api/auth/profile" -- waits for what is kept
  if me:state().status ~= "open" then
    local done, why = me:login(env.get("API_USER", "ann@example.org"), env.get("API_PASSWORD", "secret"))
    if not done then
      print("no login: " .. tostring(why))
      return script.exit(1)
    end
    profile, err = api:get "/api/auth/profile"
  end
  print(profile and ("hello " .. profile.name) or ("no profile: " .. tostring(err)))
  script.exit(profile and 0 or 1)
end)
