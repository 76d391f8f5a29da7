-- tidelock.server.engine: Engine.IO v4, the server's side: sessions over WebSocket or HTTP
-- polling, the upgrade from one to the other, and the heartbeat.
-- Facts: github.com/socketio/socket.io, docs/engine.io-protocol/v4-current.md.
--
-- Sessions are plain data in script.keep, so that they survive a reload. `state()` returns them; at its
-- first call in a generation it rebuilds the indexes. Only new() may run before the script has loaded.
local crypto = require "tidelock.crypto"
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local script = require "tidelock.script"
local timer = require "tidelock.timer"
local core = require "tidelock.server.core"
local cors = require "tidelock.server.cors"
local router = require "tidelock.server.router"

local M = {}

local Engine = {}
Engine.__index = Engine

local SEPARATOR = "\30" -- between the packets of a polling payload
local MAX_BUFFERED = 1000 -- packets that wait for a poll
local UPGRADE_TIMEOUT = 10
local POLL_AGAIN = 1 -- seconds

-- Engine.IO's error codes of a request.
local UNKNOWN_TRANSPORT = { code = 0, message = "Transport unknown" }
local UNKNOWN_SESSION = { code = 1, message = "Session ID unknown" }
local BAD_REQUEST = { code = 3, message = "Bad request" }
local TOO_MANY = { code = 3, message = "Too many sessions" }
local FORBIDDEN = { code = 4, message = "Forbidden" }
local WRONG_VERSION = { code = 5, message = "Unsupported protocol version" }

---@class tidelock.server.Session plain data
---@field sid string
---@field transport "websocket"|"polling"
---@field conn? integer the WebSocket
---@field poll? integer the request that waits for packets
---@field poll_by? number the deadline for the next poll, if the client may be gone
---@field buffer string[] packets that wait for a poll
---@field upgrade? integer the WebSocket that is being probed
---@field sockets table<string, string> namespace to socket id

---@param server table { core: the listener, name: string }
---@param options table
---@param hooks table { message(session, text), attachment(session, bytes),
---  closed(session, reason), restored(state) }
function M.new(server, options, hooks)
  local self = setmetatable({
    core = server.core, most = server.max_connections, key = "server." .. server.name,
    options = options, hooks = hooks,
    cors = cors.new(options.cors),
  }, Engine)
  local shortest = math.min(options.ping_interval, options.ping_timeout, options.connect_timeout)
  self.sweeper = timer.every(math.max(0.02, math.min(1, shortest / 5)), function() self:sweep() end)
  return self
end

--- The sessions and sockets in script.keep.
function Engine:state()
  if not self.live then self.core:connections() end -- raises while the script loads
  local state = script.keep[self.key]
  if not state then
    state = { sessions = {}, sockets = {} }
    script.keep[self.key] = state
  end
  if state ~= self.live then
    self.live, self.conns, self.count = state, {}, 0
    for sid, session in pairs(state.sessions) do
      self.count = self.count + 1
      if session.conn then self.conns[session.conn] = sid end
      if session.upgrade then self.conns[session.upgrade] = sid end
    end
    self.hooks.restored(state)
  end
  return state
end

-- Answers a request; `origin` is that of the page, nil for other clients.
function Engine:answer(id, origin, status, kind, body)
  local headers = { "Content-Type: " .. kind, "Cache-Control: no-store" }
  self.cors:add(headers, origin)
  return self.core:respond(id, status, headers, body)
end

function Engine:answer_text(id, origin, body)
  return self:answer(id, origin, 200, "text/plain; charset=UTF-8", body)
end

-- --- losses ---------------------------------------------------------------------------------

-- The client as a script knows it: its address, and one of its sockets.
local function describe_client(session)
  local id = session.sockets["/"] or select(2, next(session.sockets))
  return "the client " .. tostring(session.remote) .. (id and " (socket " .. id .. ")" or "")
end

--- Notes in the log that something of a client is lost, or that it is closed; further ones of the kind
--- are counted.
---@param kind string see f_note_loss in runtime/lua/server.c
---@param what string follows the client's description
function Engine:note_loss(kind, session, what)
  self.core:note_loss(kind, describe_client(session) .. " " .. what)
end

-- --- sending --------------------------------------------------------------------------------

-- The answer to a poll was not taken. Where the poll is gone the packets wait for the next one.
local function keep_unsent(self, session, waiting, err)
  if err.code == "CLOSED" then
    session.buffer, session.poll_by = waiting, timer.now() + POLL_AGAIN
    return
  end
  self:note_loss("memory", session, "is closed: " .. err.message)
  self:close(session, "transport error")
end

function Engine:flush(session)
  if not session.poll or #session.buffer == 0 then return end
  local id, waiting = session.poll, session.buffer
  session.poll, session.buffer = nil, {}
  local ok, err = self:answer_text(id, session.headers.origin, table.concat(waiting, SEPARATOR))
  if not ok then keep_unsent(self, session, waiting, err) end
end

local function send_over_websocket(self, session, packet, binary)
  if not session.conn then return nil, errors.new { code = "NOT_CONNECTED", message = "gone" } end
  local ok, err = self.core:send(session.conn, packet, binary)
  if ok then return true end
  if err.code == "BUFFER_FULL" then
    self:note_loss("backlog", session,
      "is closed: " .. err.message:gsub("^the client ", "it ") .. ": emit less at once, or raise max_backlog")
    self:close(session, "transport error")
  elseif err.code == "MEMORY" then
    self:note_loss("memory", session, "is sent less: " .. err.message)
  end
  return nil, err
end

--- Sends an Engine.IO packet, its type included; or the bytes of a binary one.
---@return true?, tidelock.Error?
function Engine:send(session, packet, binary)
  if session.transport == "websocket" then return send_over_websocket(self, session, packet, binary) end
  if #session.buffer >= MAX_BUFFERED then
    self:note_loss("backlog", session, ("is closed: %d packets wait for it to poll, as many as may: " ..
      "emit less at once"):format(MAX_BUFFERED))
    self:close(session, "transport error")
    return nil, errors.new { code = "BUFFER_FULL", message = "the client does not poll" }
  end
  table.insert(session.buffer, binary and "b" .. crypto.base64_encode(packet) or packet)
  self:flush(session)
  return true
end

-- Sends a packet that waited for a poll over the WebSocket after an upgrade.
local function send_buffered(self, session, text)
  if text:sub(1, 1) == "b" then return self:send(session, crypto.base64_decode(text:sub(2)), true) end
  return self:send(session, text)
end

--- Ends a session; does nothing when it has ended.
function Engine:close(session, reason, code)
  local state = self:state()
  if state.sessions[session.sid] ~= session then return end
  if reason == "parse error" then
    self:note_loss("protocol", session, "is closed: what it sent is no packet that Socket.IO expects there")
  end
  state.sessions[session.sid] = nil
  self.count = self.count - 1
  if session.poll then
    table.insert(session.buffer, "1")
    self:flush(session)
  end
  for _, conn in pairs { session.conn, session.upgrade } do
    self.conns[conn] = nil
    self.core:hang_up(conn, code or 1000)
  end
  self.hooks.closed(session, reason)
end

-- --- packets --------------------------------------------------------------------------------

function Engine:packet(session, packet)
  local kind = packet:sub(1, 1)
  if kind == "4" then
    self.hooks.message(session, packet:sub(2))
  elseif kind == "b" and session.transport == "polling" then
    local bytes = crypto.base64_decode(packet:sub(2))
    if bytes then self.hooks.attachment(session, bytes)
    else self:close(session, "parse error", 1002) end
  elseif kind == "3" then
    session.dead_at, session.ping_at = nil, timer.now() + self.options.ping_interval
  elseif kind == "1" then
    self:close(session, "transport close")
  elseif kind ~= "6" then
    self:close(session, "parse error", 1002)
  end
end

-- Handles a message on the WebSocket of an upgrade in progress.
function Engine:probe(session, packet)
  if packet == "2probe" then
    session.probed = true
    self.core:send(session.upgrade, "3probe")
    if session.poll then self:send(session, "6") end
  elseif packet == "5" and session.probed then
    local waiting = session.buffer
    if session.poll then
      session.buffer = { "6" }
      self:flush(session)
    end
    session.transport, session.conn, session.upgrade = "websocket", session.upgrade, nil
    session.buffer = {}
    for _, text in ipairs(waiting) do send_buffered(self, session, text) end
  else
    self.core:hang_up(session.upgrade, 1002)
  end
end

function Engine:note_oversized(session, size)
  self:note_loss("size", session, ("is closed: it sent %d bytes, and max_payload is %d: raise it if such " ..
    "messages are right"):format(size, self.options.max_payload // 1))
end

--- A WebSocket message; false when the connection is not ours.
function Engine:message(id, data, binary)
  local state = self:state()
  local session = state.sessions[self.conns[id]]
  if not session then return false end
  if #data > self.options.max_payload then
    self:note_oversized(session, #data)
    self:close(session, "transport error", 1009)
  elseif id == session.upgrade then
    self:probe(session, not binary and data)
  elseif binary then
    self.hooks.attachment(session, data)
  else
    self:packet(session, data)
  end
  return true
end

--- A WebSocket has ended; false when it was not ours.
function Engine:closed(id)
  local session = self:state().sessions[self.conns[id]]
  if not session then return false end
  self.conns[id] = nil
  if id == session.upgrade then
    session.upgrade, session.probed = nil, nil
  else
    session.conn = nil
    self:close(session, "transport close")
  end
  return true
end

--- The client of a request has closed its sending half, or has gone. Its poll is answered: a client that
--- is still there polls again soon.
function Engine:gone(id)
  for _, session in pairs(self:state().sessions) do
    if session.poll == id then
      session.poll_by = timer.now() + POLL_AGAIN
      if #session.buffer == 0 then table.insert(session.buffer, "6") end
      return self:flush(session)
    end
  end
end

-- --- requests -------------------------------------------------------------------------------

function Engine:refuse(id, request, why, status)
  self:answer(id, request.headers.origin, status or 400, "application/json", json.encode(why))
end

function Engine:refuse_session(id, request)
  self.core:note_loss("clients", ("a Socket.IO client %s is refused with 503: %d have sessions, as many " ..
    "as max_connections allows: raise it"):format(request.remote, self.count))
  self:refuse(id, request, TOO_MANY, 503)
end

function Engine:open(request, query, transport)
  local o, now = self.options, timer.now()
  local session = {
    sid = core.random(20), transport = transport, buffer = {}, sockets = {},
    ping_at = now + o.ping_interval, join_by = now + o.connect_timeout,
    headers = request.headers, query = query, remote = request.remote, time = os.time(),
  }
  self:state().sessions[session.sid] = session
  self.count = self.count + 1
  local upgrades = json.array(transport == "polling" and { "websocket" } or {})
  return session, "0" .. json.encode {
    sid = session.sid, upgrades = upgrades, pingInterval = math.floor(o.ping_interval * 1000),
    pingTimeout = math.floor(o.ping_timeout * 1000), maxPayload = math.floor(o.max_payload),
  }
end

function Engine:open_polling(id, request, query)
  local _, hello = self:open(request, query, "polling")
  self:answer_text(id, request.headers.origin, hello)
end

function Engine:open_websocket(id, request, query)
  if not self.core:accept(id) then return end -- the client is gone
  local session, hello = self:open(request, query, "websocket")
  session.conn = id
  self.conns[id] = session.sid
  self:send(session, hello)
end

function Engine:begin_upgrade(id, request, session)
  if session.transport ~= "polling" or session.upgrade then return self:refuse(id, request, BAD_REQUEST) end
  if not self.core:accept(id) then return end
  session.upgrade, session.upgrade_by = id, timer.now() + UPGRADE_TIMEOUT
  self.conns[id] = session.sid
end

function Engine:poll(id, request, session)
  if session.transport ~= "polling" then return self:refuse(id, request, BAD_REQUEST) end
  if session.poll then
    self:refuse(id, request, BAD_REQUEST)
    return self:close(session, "transport error")
  end
  session.poll, session.poll_by = id, nil
  if session.probed and #session.buffer == 0 then table.insert(session.buffer, "6") end
  self:flush(session)
end

function Engine:post(id, request, session)
  if session.transport ~= "polling" then return self:refuse(id, request, BAD_REQUEST) end
  local kind = request.headers["content-type"]
  if kind and kind:find("application/octet-stream", 1, true) then
    self:refuse(id, request, BAD_REQUEST)
    return self:close(session, "transport error")
  end
  if #request.body > self.options.max_payload then
    self:note_oversized(session, #request.body)
    self:refuse(id, request, { code = 3, message = "Payload too large" }, 413)
    return self:close(session, "transport error")
  end
  self:answer_text(id, request.headers.origin, "ok")
  for packet in request.body:gmatch("[^" .. SEPARATOR .. "]+") do
    if self:state().sessions[session.sid] ~= session then break end
    self:packet(session, packet)
  end
end

-- Whether a page of another site sends a request without an Origin header, as for an image. No client
-- does that, and each such request would create a session.
local function is_smuggled(headers)
  local site = headers["sec-fetch-site"]
  return not headers.origin and (site == "cross-site" or site == "same-site")
end

--- A request to our path.
function Engine:request(id, request)
  local state = self:state()
  if request.method == "OPTIONS" then
    return self.core:respond(id, 204, self.cors:preflight(request.headers), "")
  end
  local query = router.query(request.query_string)
  local session = query.sid and state.sessions[query.sid]
  local transport = request.websocket and "websocket" or "polling"
  if is_smuggled(request.headers) then return self:refuse(id, request, FORBIDDEN, 403) end
  if query.EIO ~= "4" then return self:refuse(id, request, WRONG_VERSION) end
  if query.transport ~= "websocket" and query.transport ~= "polling" then
    return self:refuse(id, request, UNKNOWN_TRANSPORT)
  end
  if query.transport ~= transport then return self:refuse(id, request, BAD_REQUEST) end
  if query.sid and not session then return self:refuse(id, request, UNKNOWN_SESSION) end
  if not session and self.count >= self.most then
    return self:refuse_session(id, request)
  end
  if transport == "websocket" then
    if session then return self:begin_upgrade(id, request, session) end
    return self:open_websocket(id, request, query)
  end
  if request.method == "GET" then
    if session then return self:poll(id, request, session) end
    return self:open_polling(id, request, query)
  end
  if request.method == "POST" and session then return self:post(id, request, session) end
  self:refuse(id, request, BAD_REQUEST)
end

-- --- the heartbeat --------------------------------------------------------------------------

function Engine:check_deadlines(session, now)
  if session.dead_at and now > session.dead_at then
    self:close(session, "ping timeout")
  elseif session.poll_by and now > session.poll_by and session.transport == "polling" then
    self:close(session, "transport close")
  elseif session.join_by and now > session.join_by then
    self:note_loss("join", session, ("is closed: it joined no namespace within %g s (connect_timeout)")
      :format(self.options.connect_timeout))
    self:close(session, "connect timeout")
  elseif session.ping_at and now >= session.ping_at then
    session.ping_at, session.dead_at = nil, now + self.options.ping_timeout
    self:send(session, "2")
  end
  if session.upgrade and now > session.upgrade_by then self.core:hang_up(session.upgrade, 1000) end
end

function Engine:sweep()
  local now, all = timer.now(), {}
  for _, session in pairs(self:state().sessions) do all[#all + 1] = session end
  for _, session in ipairs(all) do self:check_deadlines(session, now) end
end

function Engine:stop() self.sweeper:stop() end

return M
