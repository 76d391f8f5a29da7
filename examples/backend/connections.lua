-- The Socket.IO connections: their authentication and their events. A connection presents an access
-- token when it is made, and ends with its login, not with that token.
local access = require "access"
local data = require "data"
local notify = require "notify"
local script = require "tidelock.script"
local timer = require "tidelock.timer"

local M = {}

-- By connection: how many errors it was sent lately.
local error_counts = setmetatable({}, { __mode = "k" })

local function check_token(sock)
  local user, login = access:user_of(sock.handshake.auth.token)
  if not user then
    return nil, {
      message = "The token is missing, wrong or expired.", data = { code = "AUTH_ERROR" },
    }
  end
  sock.data = { user = user, login = login }
  return true
end

local function active_users(io)
  local seen, count = {}, 0
  for _, sock in ipairs(io:sockets()) do
    local user = sock.data.user
    if not seen[user] then count = count + 1 end
    seen[user] = true
  end
  return count
end

local function system_status(io)
  return { aiService = "healthy", memoryService = "healthy", activeUsers = active_users(io) }
end

-- Sends the status to all clients when the number of users has changed; else to `newcomer` alone.
local function send_status(io, newcomer)
  local now = system_status(io)
  if now.activeUsers ~= script.keep.active_users then
    script.keep.active_users = now.activeUsers
    io:emit("system_status_update", now)
  elseif newcomer then
    newcomer:emit("system_status_update", now)
  end
end

local MAX_ERRORS, ERRORS_PERIOD = 10, 1 -- for each connection; seconds

-- Sends the error of a wrong event. A flood of wrong events is not answered each time: the answers
-- would fill the connection's buffer.
local function send_error(sock, message)
  local now, sent = timer.now(), error_counts[sock]
  if not sent or now - sent.since >= ERRORS_PERIOD then
    sent = { since = now, count = 0 }
    error_counts[sock] = sent
  end
  sent.count = sent.count + 1
  if sent.count > MAX_ERRORS then return end
  sock:emit("error_occurred", { code = "VALIDATION_ERROR", message = message })
end

local function on_typing(sock, payload)
  local session_id = type(payload) == "table" and payload.sessionId
  local session = session_id and data.find_session(sock.data.user, session_id)
  if not session or type(payload.isTyping) ~= "boolean" then
    return send_error(sock, "typing_indicator takes the sessionId of a session of yours, and isTyping.")
  end
  local others = {}
  for _, user in ipairs(data.members_of(session)) do
    if user ~= sock.data.user then others[#others + 1] = user end
  end
  notify.send(others, "typing_indicator", {
    sessionId = session.id, userId = sock.data.user, userName = data.name_of(sock.data.user),
    isTyping = payload.isTyping,
  })
end

---@param io tidelock.server.Namespace
function M.serve(io)
  notify.use_io(io)
  io:use(check_token)
  io:on("connection", function(sock)
    sock:on("typing_indicator", function(payload) on_typing(sock, payload) end)
    sock:on("disconnect", function() send_status(io) end)
    if sock.restored then return end
    sock:join(notify.room_of(sock.data.user))
    send_status(io, sock)
  end)
end

---@param io tidelock.server.Namespace
---@param login string
function M.hang_up(io, login)
  for _, sock in ipairs(io:sockets()) do
    if sock.data.login == login then sock:disconnect(true) end
  end
end

return M
