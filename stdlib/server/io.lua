-- tidelock.server.io: Socket.IO v5 over Engine.IO: namespaces, their middleware, rooms and
-- broadcasts. A namespace's sockets survive a reload: the handlers of "connection" run
-- again for each, with `sock.restored` true, so that the new generation registers its handlers.
local checks = require "tidelock.options.core"
local script = require "tidelock.script"
local task = require "tidelock.task"
local core = require "tidelock.server.core"
local engine = require "tidelock.server.engine"
local packet = require "tidelock.server.packet"
local sockets = require "tidelock.server.socket"

local M = {}

-- --- broadcasts -----------------------------------------------------------------------------

-- An event's recipients: all sockets, or those in rooms, without the excluded ones.
local Broadcast = {}
Broadcast.__index = Broadcast

local function copy_set_with(set, name)
  local new = {}
  for key in pairs(set) do new[key] = true end
  new[name] = true
  return new
end

local function new_broadcast(nsp, rooms, except)
  return setmetatable({ nsp = nsp, rooms = rooms or {}, excluded = except or {} }, Broadcast)
end

---@param room string
function Broadcast:to(room) return new_broadcast(self.nsp, copy_set_with(self.rooms, room), self.excluded) end
---@param room string a room, or a socket's id
function Broadcast:except(room)
  return new_broadcast(self.nsp, self.rooms, copy_set_with(self.excluded, room))
end

local function members_of(nsp, room)
  return nsp.rooms[room] or (nsp.connected[room] and { [room] = true }) or {}
end

--- The recipients, as a list.
---@return tidelock.server.Socket[]
function Broadcast:sockets()
  local nsp, chosen, out, list = self.nsp, {}, {}, {}
  nsp.io.engine:state()
  for room in pairs(self.excluded) do
    for id in pairs(members_of(nsp, room)) do out[id] = true end
  end
  if next(self.rooms) == nil then chosen = nsp.connected end
  for room in pairs(self.rooms) do
    for id in pairs(members_of(nsp, room)) do chosen[id] = true end
  end
  for id in pairs(chosen) do
    if not out[id] then list[#list + 1] = nsp.connected[id] end
  end
  return list
end

--- Sends an event to all recipients; it is encoded once.
---@param event string
---@return true?, tidelock.Error?
function Broadcast:emit(event, ...)
  local text, err, parts = sockets.encode_event(self.nsp.name, nil, event, ...)
  if not text then return nil, err end
  for _, sock in ipairs(self:sockets()) do sock:send_packet(text, parts) end
  return true
end

-- --- namespaces -----------------------------------------------------------------------------

local Namespace = checks.strict("a namespace", {}, "method")
Namespace.__index = Namespace

local function new_namespace(io, name)
  return setmetatable({
    io = io, name = name, middleware = {}, handlers = {}, connected = {}, rooms = {},
  }, Namespace)
end

--- Adds middleware, called in order before a socket joins: fn(sock) refuses it by returning nil (or
--- false) and a reason: a string, or a table with message and data. It may wait.
---@param fn fun(sock: tidelock.server.Socket): any, any
function Namespace:use(fn, none)
  checks.none("namespace:use", none)
  if type(fn) ~= "function" then error("a middleware is a function", 2) end
  table.insert(self.middleware, fn)
  return self
end

--- Calls fn for each socket that has joined.
---@param event "connection"
---@param fn fun(sock: tidelock.server.Socket)
function Namespace:on(event, fn, none)
  checks.none("namespace:on", none)
  if event ~= "connection" then
    error('a namespace has one event, "connection": use sock:on for the others', 2)
  end
  return sockets.listen(self.handlers, { fn = fn })
end

function Namespace:to(room) return new_broadcast(self):to(room) end
function Namespace:except(room) return new_broadcast(self):except(room) end
function Namespace:emit(event, ...) return new_broadcast(self):emit(event, ...) end
function Namespace:sockets() return new_broadcast(self):sockets() end
function Namespace:everyone_but(id) return new_broadcast(self, {}, { [id] = true }) end

--- The socket of this id, or nil.
function Namespace:socket(id)
  self.io.engine:state()
  return self.connected[id]
end

--- Returns another namespace; the first call declares it.
---@param name string begins with "/"
---@return tidelock.server.Namespace
function Namespace:of(name, none)
  checks.none("namespace:of", none)
  if type(name) ~= "string" or name:sub(1, 1) ~= "/" then
    error('a namespace begins with "/"', 2)
  end
  local io = self.io
  io.namespaces[name] = io.namespaces[name] or new_namespace(io, name)
  return io.namespaces[name]
end

local function raise_problem(problem) error(problem, 0) end

-- Calls middleware in a task of its own: if the watchdog stops it, past every pcall, the client is
-- still answered.
local function call_middleware(fn, sock)
  local asked = task.spawn(function() return xpcall(fn, debug.traceback, sock) end, fn)
  local lived, ok, answer, why = pcall(asked.await, asked)
  if lived then return ok, answer, why end
  return false, ok
end

-- Calls each middleware; false and a reason when one refuses.
function Namespace:admit(sock)
  for _, fn in ipairs(self.middleware) do
    local ok, answer, why = call_middleware(fn, sock)
    if not ok then
      task.spawn(raise_problem, answer) -- as an uncaught error of the script
      return false, { message = "internal error" }
    end
    if not answer and why ~= nil then
      if type(why) ~= "table" then why = { message = tostring(why) } end
      return false, { message = why.message or "refused", data = why.data }
    end
  end
  return true
end

-- Runs the handlers of "connection", each in a task of its own. Events that arrive before these have
-- registered their handlers are delivered afterwards.
function Namespace:welcome(sock)
  for _, handler in ipairs(self.handlers) do task.spawn(handler.fn, sock) end
  task.spawn(function() sock:begin() end)
end

-- --- packets --------------------------------------------------------------------------------

local Io = {}
Io.__index = Io

function Io:refuse(session, name, why)
  session.sockets[name] = nil
  self.engine:send(session, "4" .. (packet.encode(packet.CONNECT_ERROR, name, nil, why)))
end

-- Runs in a task of its own: middleware may wait, and the session may end meanwhile.
function Io:join(session, nsp, id, auth)
  local record = { sid = session.sid, nsp = nsp.name, rooms = {}, auth = auth, next_ack = 0 }
  local sock = sockets.new(nsp, id, session, record)
  local admitted, why = nsp:admit(sock)
  local state = self.engine:state()
  local here = state.sessions[session.sid] == session and session.sockets[nsp.name] == id
  if not here or not admitted then
    sock:never_joined()
    if here then self:refuse(session, nsp.name, why) end
    return
  end
  session.join_by = nil
  state.sockets[id] = record
  sock:joined()
  self.engine:send(session, "4" .. (packet.encode(packet.CONNECT, nsp.name, nil, { sid = id })))
  nsp:welcome(sock)
end

function Io:connect(session, p)
  if session.sockets[p.nsp] then return self.engine:close(session, "parse error") end
  local nsp = self.namespaces[p.nsp]
  if not nsp then return self:refuse(session, p.nsp, { message = "Invalid namespace" }) end
  local id = core.random(20)
  session.sockets[p.nsp] = id
  core.start("connect", self.join, self, session, nsp, id, p.data or {})
end

-- A text message; between the attachments of another packet it breaks the protocol.
function Io:message(session, text)
  local p = not session.partial and packet.decode(text)
  if not p then return self.engine:close(session, "parse error", 1002) end
  if p.missing > 0 then
    session.partial = p
  else
    self:packet(session, p)
  end
end

function Io:attachment(session, bytes)
  local p = session.partial and packet.attach(session.partial, bytes)
  if not p then return self.engine:close(session, "parse error", 1002) end
  if p.missing > 0 then return end
  session.partial = nil
  self:packet(session, p)
end

-- Handles a complete packet.
function Io:packet(session, p)
  if p.type == packet.CONNECT then return self:connect(session, p) end
  local nsp = self.namespaces[p.nsp]
  local sock = nsp and nsp.connected[session.sockets[p.nsp]]
  if not sock then return self.engine:close(session, "parse error", 1002) end
  sock:receive(p)
end

function Io:closed(session, reason)
  for name, id in pairs(session.sockets) do
    local nsp = self.namespaces[name]
    local sock = nsp and nsp.connected[id]
    if sock then sock:gone(reason) end
  end
end

-- Restores the sockets of the previous generation. Those of a namespace that no longer exists are
-- disconnected.
function Io:restored(state)
  for id, record in pairs(state.sockets) do
    local session, nsp = state.sessions[record.sid], self.namespaces[record.nsp]
    if session and nsp then
      local sock = sockets.new(nsp, id, session, record)
      sock.restored = true
      sock:joined()
      nsp:welcome(sock)
    else
      state.sockets[id] = nil
      script.keep[sockets.data_key(self.name, id)] = nil
      if session then
        session.sockets[record.nsp] = nil
        self.engine:send(session, "4" .. packet.encode(packet.DISCONNECT, record.nsp))
      end
    end
  end
end

local defaults = {
  path = "/socket.io/", ping_interval = 25, ping_timeout = 20, max_payload = 1000000,
  connect_timeout = 45,
}

M.option_names = { "cors" }
for name in pairs(defaults) do table.insert(M.option_names, name) end

local day = { above = true, most = 86400 }
local rules = {
  ping_interval = day, ping_timeout = day, connect_timeout = day,
  max_payload = { least = 1, most = 1 << 30, whole = true },
}

-- Whether it is nothing, a string, or a list of strings alone.
local function is_origins(value)
  if value == nil or type(value) == "string" then return true end
  if type(value) ~= "table" then return false end
  local count = 0
  for _, one in pairs(value) do
    if type(one) ~= "string" then return false end
    count = count + 1
  end
  return count == #value
end

local function check_options(options)
  local o = {}
  for name, standard in pairs(defaults) do
    local value = options[name]
    if value == nil then value = standard end
    local problem = rules[name] and checks.number_problem(value, rules[name])
    if type(value) ~= type(standard) then problem = "must be a " .. type(standard) end
    if problem then error(("io: option %s %s"):format(name, problem), 4) end
    o[name] = value
  end
  if o.path:sub(1, 1) ~= "/" then error('io: the path begins with "/"', 4) end
  if not is_origins(options.cors) then error("io: option cors must be an origin, or a list of them", 4) end
  o.cors = options.cors
  return o
end

---@param server table the server it belongs to
---@param options? table
---@return table io, tidelock.server.Namespace root
function M.new(server, options)
  local io = setmetatable({ name = server.name, namespaces = {} }, Io)
  local o = check_options(options or {})
  if o.cors ~= nil then server.core:let_in(o.cors) end
  io.path, io.bare_path = o.path, (o.path:gsub("(.)/$", "%1"))
  io.engine = engine.new(server, o, {
    message = function(session, text) io:message(session, text) end,
    attachment = function(session, bytes) io:attachment(session, bytes) end,
    closed = function(session, reason) io:closed(session, reason) end,
    restored = function(state) io:restored(state) end,
  })
  io.namespaces["/"] = new_namespace(io, "/")
  return io, io.namespaces["/"]
end

return M
