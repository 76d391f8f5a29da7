-- The connections: who may connect, and what is heard from them. A connection shows the access
-- token when it is made; it ends with its login, not with that token.
local access = require "access"
local data = require "data"
local notify = require "notify"
local script = require "tidelock.script"
local timer = require "tidelock.timer"

local M = {}

-- How often each was told lately what is wrong.
local complaints = setmetatable({}, { __mode = "k" })

local function admit(sock)
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

local function status(io)
  return { aiService = "healthy", memoryService = "healthy", activeUsers = active_users(io) }
end

-- Told to all when their number changes, and to who has just come.
local function greet(io, sock)
  local now = status(io)
  if now.activeUsers == script.keep.active_users then
    return sock:emit("system_status_update", now)
  end
  script.keep.active_users = now.activeUsers
  io:emit("system_status_update", now)
end

local function part(io)
  local now = status(io)
  if now.activeUsers == script.keep.active_users then return end
  script.keep.active_users = now.activeUsers
  io:emit("system_status_update", now)
end

local MOST_COMPLAINTS, COMPLAINTS_PERIOD = 10, 1 -- of one connection, seconds

-- Says what is wrong with an event. One who sends nothing but such is not answered each time: the
-- answers would drown what else is sent to him.
local function complain(sock, message)
  local now, said = timer.now(), complaints[sock]
  if not said or now - said.since >= COMPLAINTS_PERIOD then
    said = { since = now, count = 0 }
    complaints[sock] = said
  end
  said.count = said.count + 1
  if said.count > MOST_COMPLAINTS then return end
  sock:emit("error_occurred", { code = "VALIDATION_ERROR", message = message })
end

local function on_typing(sock, payload)
  local session_id = type(payload) == "table" and payload.sessionId
  local session = session_id and data.find_session(sock.data.user, session_id)
  if not session or type(payload.isTyping) ~= "boolean" then
    return complain(sock, "typing_indicator takes the sessionId of a session of yours, and isTyping.")
  end
  local others = {}
  for _, user in ipairs(data.members_of(session)) do
    if user ~= sock.data.user then others[#others + 1] = user end
  end
  notify.tell(others, "typing_indicator", {
    sessionId = session.id, userId = sock.data.user, userName = data.name_of(sock.data.user),
    isTyping = payload.isTyping,
  })
end

---@param io tidelock.server.Namespace
function M.serve(io)
  notify.through(io)
  io:use(admit)
  io:on("connection", function(sock)
    sock:on("typing_indicator", function(payload) on_typing(sock, payload) end)
    sock:on("disconnect", function() part(io) end)
    if sock.restored then return end
    sock:join(notify.room_of(sock.data.user))
    greet(io, sock)
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
