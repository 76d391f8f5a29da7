-- The backend's settings, for a demo on this machine: the users and their passwords are here in plain
-- text, so it listens on loopback only.
local env = require "tidelock.env"

---@class backend.User
---@field id string
---@field email string
---@field password string never sent to anyone
---@field name string

return {
  host = "127.0.0.1",
  port = math.tointeger(tonumber(env.get("PORT", "8000"))) or 8000,

  token_seconds = tonumber(env.get("TOKEN_SECONDS", "900")), -- the lifetime of an access token
  refresh_seconds = 7 * 24 * 3600,

  thinking_seconds = 0.15, -- the assistant's pause between two steps

  limits = {
    body = 64 * 1024, -- bytes of a request
    file = 1024 * 1024, -- bytes of an attachment
    files = 4, -- of one request
    attachments = 20, -- of one session
    page = 100, -- entries of one page
    projects = 200, -- of one user
    sessions = 100, -- of one project
    messages = 5000, -- of one session
    tokens = 1000, -- valid at the same time
    requests = tonumber(env.get("REQUESTS", "200")), -- a second, of an account or an address
    burst = tonumber(env.get("BURST", "1000")), -- at once
    buckets = 1000, -- accounts and addresses that are counted
    keys = 200, -- Idempotency-Keys of one user
    key_seconds = 3600, -- for which their answers are kept
    events = 500, -- changes of one user that a stream can go on after
    streams = 8, -- of one user
    quiet = 15, -- seconds after which a quiet stream sends a comment
  },

  -- What may be attached, and what its answers are downloaded as.
  file_types = {
    ["text/plain"] = true, ["text/markdown"] = true, ["text/csv"] = true, ["application/json"] = true,
    ["application/pdf"] = true, ["application/zip"] = true, ["application/octet-stream"] = true,
    ["image/png"] = true, ["image/jpeg"] = true, ["image/gif"] = true, ["image/webp"] = true,
  },

  ---@type backend.User[]
  users = {
    { id = "u1", email = "demo@example.com", password = "demo", name = "Demo" },
    { id = "u2", email = "guest@example.com", password = "guest", name = "Guest" },
  },
  assistant = { id = "assistant", name = "Assistant" },

  projects = { -- at the first start; `owner` is an index of users
    { owner = 1, name = "Welcome", description = "The place to look around." },
    { owner = 1, name = "Moon base", description = "Plans that nobody has asked for." },
  },
}
