-- tidelock.server.socket: one client in one namespace. `record` (rooms, auth) and `data` survive a
-- reload: both are plain data in script.keep.
local checks = require "tidelock.options.core"
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local script = require "tidelock.script"
local task = require "tidelock.task"
local gates = require "tidelock.task.core"
local timer = require "tidelock.timer"
local core = require "tidelock.server.core"
local packet = require "tidelock.server.packet"

local M = {}

local CALL_TIMEOUT = 10
local MAX_WAITING = 1000 -- events of a client whose handlers are not registered yet

local methods = {}

local Socket = {}

function M.data_key(server, id) return ("server.%s.data.%s"):format(server, id) end

-- `data` is in script.keep under a key of its own: a value that cannot be kept affects only this one.
function Socket.__index(sock, key)
  if key == "data" then
    local key_of_data = rawget(sock, "data_key")
    if not script.keep[key_of_data] then script.keep[key_of_data] = {} end
    return script.keep[key_of_data]
  end
  if key == "broadcast" then return sock.nsp:everyone_but(sock.id) end
  return methods[key]
end

function Socket.__newindex(sock, key, value)
  if key == "data" and sock.connected then script.keep[sock.data_key] = value
  else rawset(sock, key, value) end
end

function Socket.__tostring(sock) return ("socket %s of %s"):format(sock.id, sock.nsp.name) end

function M.new(nsp, id, session, record)
  return setmetatable({
    id = id, nsp = nsp, session = session, record = record, connected = true,
    data_key = M.data_key(nsp.io.name, id), handlers = {}, any = {}, calls = {}, waiting = {},
    handshake = {
      auth = record.auth, headers = session.headers, query = session.query,
      address = session.remote, time = session.time,
    },
  }, Socket)
end

-- --- handlers -------------------------------------------------------------------------------

--- Adds a handler to a list; returns its handle.
function M.listen(list, handler)
  if type(handler.fn) ~= "function" then error("a handler is a function", 3) end
  list[#list + 1] = handler
  return {
    off = function()
      for i, other in ipairs(list) do
        if other == handler then return table.remove(list, i) end
      end
    end,
  }
end

local function add_handler(sock, event, handler)
  if type(event) ~= "string" then error("the name of an event is a string", 3) end
  sock.handlers[event] = sock.handlers[event] or {}
  return M.listen(sock.handlers[event], handler)
end

--- Adds a handler for an event of the client: fn(arg..., ack). `ack` is present when the client wants an
--- answer: ack(value...) sends it, once. The handler of "disconnect" is fn(reason).
---@param event string
---@param fn function
function methods:on(event, fn, none)
  checks.none("socket:on", none)
  return add_handler(self, event, { fn = fn })
end
---@param event string
---@param fn function
function methods:once(event, fn, none)
  checks.none("socket:once", none)
  return add_handler(self, event, { fn = fn, once = true })
end
--- Adds a handler for every event of the client: fn(event, arg...).
---@param fn function
function methods:on_any(fn, none)
  checks.none("socket:on_any", none)
  return M.listen(self.any, { fn = fn })
end

--- Removes the handlers of an event, or one of them.
---@param event string
---@param fn? function
function methods:off(event, fn)
  local list = self.handlers[event] or {}
  for i = #list, 1, -1 do
    if not fn or list[i].fn == fn then table.remove(list, i) end
  end
end

-- The current handlers of an event; those of `once` are removed.
local function take_handlers(sock, event)
  local list = sock.handlers[event] or {}
  local taken = table.move(list, 1, #list, 1, {})
  for i = #list, 1, -1 do
    if list[i].once then table.remove(list, i) end
  end
  return taken
end

-- Each handler runs in a task of its own, started in order.
local function run_handlers(sock, event, ...)
  for _, handler in ipairs(take_handlers(sock, event)) do task.spawn(handler.fn, ...) end
end

-- --- sending --------------------------------------------------------------------------------

-- The arguments as an array, nil as null.
local function pack_array(...)
  local args = table.pack(...)
  for i = 1, args.n do
    if args[i] == nil then args[i] = json.null end
  end
  args.n = nil
  return json.array(args)
end

--- Returns an event packet as packet.encode does.
function M.encode_event(nsp, id, event, ...)
  if type(event) ~= "string" then error("the name of an event is a string", 3) end
  if packet.reserved[event] then error(("%q is a reserved name"):format(checks.cut(event)), 3) end
  return packet.encode(packet.EVENT, nsp, id, pack_array(event, ...))
end

function methods:send_packet(text, parts)
  if not self.connected then
    return nil, errors.new { code = "NOT_CONNECTED", message = "the client has left" }
  end
  local engine = self.nsp.io.engine
  local ok, err = engine:send(self.session, "4" .. text)
  for _, bytes in ipairs(ok and parts or {}) do
    ok, err = engine:send(self.session, bytes, true)
    if not ok then
      engine:close(self.session, "transport error") -- the attachment is missing
      break
    end
  end
  return ok, err
end

---@param event string
---@return true?, tidelock.Error?
function methods:emit(event, ...)
  local text, err, parts = M.encode_event(self.nsp.name, nil, event, ...)
  if not text then return nil, err end
  return self:send_packet(text, parts)
end

local function ask_client(self, timeout, event, ...)
  local id, gate = self.record.next_ack, gates.gate()
  self.record.next_ack = id + 1
  local text, err, parts = M.encode_event(self.nsp.name, id, event, ...)
  if not text then return nil, err end
  local waiting = { gate = gate }
  self.calls[id] = waiting
  local alarm = timer.after(timeout, function() gate:open() end)
  local sent, why = self:send_packet(text, parts)
  local ok, raised = true, nil
  if sent then ok, raised = pcall(gate.wait, gate) end
  alarm:stop()
  self.calls[id] = nil
  if not ok then error(raised, 0) end
  if not sent then return nil, why end
  if waiting.answer then return table.unpack(waiting.answer, 1, waiting.answer.n) end
  return nil, waiting.err or errors.new {
    code = "TIMEOUT", message = ("no answer to %q in %g s"):format(checks.cut(event), timeout), phase = "ack",
  }
end

--- Sends an event and waits for the client's answer, 10 s at most.
---@param event string
---@param ... any arguments
---@return any ... the answer (true when it is empty), or nil and an error: TIMEOUT, CLOSED
function methods:call(event, ...) return ask_client(self, CALL_TIMEOUT, event, ...) end

--- Sets another timeout for a call: sock:timeout(0.5):call("ev", ...).
---@param seconds number
---@return { call: function }
function methods:timeout(seconds)
  local problem = checks.number_problem(seconds, { above = true })
  if problem then error("a timeout is a number of seconds above 0: it " .. problem, 2) end
  return { call = function(_, event, ...) return ask_client(self, seconds, event, ...) end }
end

-- --- rooms ----------------------------------------------------------------------------------

local function enter_room(nsp, room, id)
  nsp.rooms[room] = nsp.rooms[room] or {}
  nsp.rooms[room][id] = true
end

local function leave_room(nsp, room, id)
  local set = nsp.rooms[room]
  if not set then return end
  set[id] = nil
  if next(set) == nil then nsp.rooms[room] = nil end
end

---@param room string
function methods:join(room)
  if type(room) ~= "string" then error("a room is a string", 2) end
  self.record.rooms[room] = true
  if self.connected and self.nsp.connected[self.id] == self then enter_room(self.nsp, room, self.id) end
end

---@param room string
function methods:leave(room)
  self.record.rooms[room] = nil
  leave_room(self.nsp, room, self.id)
end

--- The rooms it is in, as a list.
---@return string[]
function methods:rooms()
  local list = json.array {}
  for room in pairs(self.record.rooms) do list[#list + 1] = room end
  table.sort(list)
  return list
end

--- The sockets in a room, without this one.
---@param room string
---@return tidelock.server.Broadcast
function methods:to(room) return self.broadcast:to(room) end

-- --- joining and leaving --------------------------------------------------------------------

-- The socket has joined: broadcasts and lookups find it.
function methods:joined()
  self.nsp.connected[self.id] = self
  for room in pairs(self.record.rooms) do enter_room(self.nsp, room, self.id) end
end

-- The handlers of "connection" have run: delivers the packets that arrived meanwhile.
function methods:begin()
  local waiting = self.waiting
  self.waiting = false
  for _, p in ipairs(waiting or {}) do self:receive(p) end
end

local function make_ack(sock, id)
  local used = false
  return function(...)
    if used then return nil, errors.new { code = "INVALID", message = "answered already" } end
    local text, err, parts = packet.encode(packet.ACK, sock.nsp.name, id, pack_array(...))
    if not text then return nil, err end
    used = true
    return sock:send_packet(text, parts)
  end
end

-- Runs each handler in a task of its own, with a payload of its own.
local function handle_event(sock, p)
  local args, n, answer = p.data, #p.data, p.id and make_ack(sock, p.id)
  local any, own = #sock.any, take_handlers(sock, args[1])
  local all = table.move(own, 1, #own, any + 1, table.move(sock.any, 1, any, 1, {}))
  local event, last = args[1], n + (answer and 1 or 0)
  for i, handler in ipairs(all) do
    local copy = i == 1 and args or packet.data(p)
    copy[n + 1] = answer or nil
    core.start(event, handler.fn, table.unpack(copy, i > any and 2 or 1, last))
  end
end

local function handle_ack(sock, p)
  local call = sock.calls[p.id]
  if not call then return end -- too late, or never asked
  call.answer = #p.data > 0 and table.pack(table.unpack(p.data)) or { true, n = 1 }
  call.gate:open()
end

local function hold_packet(sock, p)
  if #sock.waiting < MAX_WAITING then return table.insert(sock.waiting, p) end
  local text = 'has sent more than %d events before the handlers of "connection" have run: one is dropped'
  sock.nsp.io.engine:note_loss("early", sock.session, text:format(MAX_WAITING))
end

-- Handles a packet of the client.
function methods:receive(p)
  if self.waiting and p.type ~= packet.ACK then
    hold_packet(self, p)
  elseif p.type == packet.EVENT then
    handle_event(self, p)
  elseif p.type == packet.ACK then
    handle_ack(self, p)
  elseif p.type == packet.DISCONNECT then
    self.session.sockets[self.nsp.name] = nil
    self:gone("client namespace disconnect")
  end
end

-- The client has left or was disconnected.
function methods:gone(reason)
  if not self.connected then return end
  local data = self.data
  self.connected = false
  self.nsp.connected[self.id] = nil
  for room in pairs(self.record.rooms) do leave_room(self.nsp, room, self.id) end
  self.nsp.io.engine:state().sockets[self.id] = nil
  script.keep[self.data_key] = nil
  rawset(self, "data", data)
  for _, call in pairs(self.calls) do
    call.err = errors.new { code = "CLOSED", message = "the client has left: " .. reason }
    call.gate:open()
  end
  task.spawn(run_handlers, self, "disconnect", reason) -- after the handlers of "connection"
end

-- The socket was refused, or its session ended during the middleware.
function methods:never_joined()
  self.connected = false
  script.keep[self.data_key] = nil
end

--- Disconnects the client from the namespace; with `close` it closes the connection.
---@param close? boolean
function methods:disconnect(close)
  if not self.connected then return end
  self:send_packet((packet.encode(packet.DISCONNECT, self.nsp.name)))
  self.session.sockets[self.nsp.name] = nil
  self:gone("server namespace disconnect")
  if close then self.nsp.io.engine:close(self.session, "forced close") end
end

return M
