-- tidelock.server: an HTTP and Socket.IO server inside a script, for demos, tests and small
-- tools. See docs/server.md.
--
--   local srv = server.listen("backend", { port = 8000 })
--   srv:get("/hello/:name", function(req) return { hello = req.params.name } end)
--   local io = srv:io()
--   io:on("connection", function(sock) sock:on("hi", function() io:emit("hi", sock.id) end) end)
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local checks = require "tidelock.options.core"
local core = require "tidelock.server.core"
local router = require "tidelock.server.router"
local multipart = require "tidelock.server.multipart"
local sockets = require "tidelock.server.io"
local socket = require "tidelock.socket"
local stream = require "tidelock.server.stream"

local M = {}

-- --- answers --------------------------------------------------------------------------------

-- The status of an error that a handler returns as `nil, err`, by its code.
local statuses = {
  INVALID = 400, DECODE = 400, REJECTED = 403, NOT_FOUND = 404, BUSY = 409, TOO_LARGE = 413,
  UNSUPPORTED = 415, TIMEOUT = 504,
}

-- The types that tostring writes as text; of others it would write an address.
local plain = { string = true, number = true, boolean = true }

local function put_header(list, name, value)
  if not plain[type(value)] then
    local what = "the response header %s: a string or a list of them, not a %s"
    error(what:format(checks.cut(name), type(value)), 0)
  end
  list[#list + 1] = name .. ": " .. tostring(value)
end

local function put_headers(list, headers)
  local has_type = false
  for name, value in pairs(headers or {}) do
    if type(name) ~= "string" then error("response headers are named by strings", 0) end
    if name:lower() == "content-type" then has_type = true end
    for _, one in ipairs(type(value) == "table" and value or { value }) do
      put_header(list, name, one)
    end
  end
  return has_type
end

local function from_error(err)
  local status = type(err) == "table" and (err.status or statuses[err.code]) or 500
  local shown = type(err) == "table" and err or { message = tostring(err) }
  return status, { error = { code = shown.code or "INTERNAL", message = shown.message } }
end

-- (status, body, headers), (body, nil, headers), (nil, err) or nothing: see docs/server.md.
local function normalise_answer(first, second, third)
  if first == nil and second == nil then return 204, nil, third end
  if first == nil then
    local status, body = from_error(second)
    return status, body, third
  end
  if math.type(first) == "integer" then return first, second, third end
  return 200, first, second
end

-- The body as bytes, and its content type.
local function encode_body(body)
  if body == nil then return "" end
  if plain[type(body)] then return tostring(body), "text/plain; charset=utf-8" end
  if type(body) ~= "table" and type(body) ~= "userdata" then -- a view is userdata
    error(("the body of the response: a string, a table or a function, not a %s"):format(type(body)), 0)
  end
  local text, err = json.encode(body)
  if not text then error("the body of the response: " .. tostring(err), 0) end
  return text, "application/json"
end

local function send_pieces(self, id, status, list, fn)
  local ok, err = stream.run(self, id, status, list, fn)
  if not ok and err.code ~= "CLOSED" then error(err.message, 0) end
end

local function send_answer(self, id, status, body, headers)
  local list = {}
  local has_type = put_headers(list, headers)
  if type(body) == "function" then return send_pieces(self, id, status, list, body) end
  local text, kind = encode_body(body)
  if kind and not has_type then list[#list + 1] = "Content-Type: " .. kind end
  local ok, err = self.core:respond(id, status, list, text)
  if not ok and err.code ~= "CLOSED" then error(err.message, 0) end
end

local function error_answer(status, code, message)
  return status, { error = { code = code, message = message } }
end

-- --- requests -------------------------------------------------------------------------------

local function complete_request(req)
  req.query = router.query(req.query_string)
  req.params = {}
  function req.json() return json.decode(req.body) end
  function req.multipart(limits) return multipart.parse(req.headers["content-type"], req.body, limits) end
  return req
end

local function route_request(self, req)
  if req.path == "*" then -- OPTIONS *: about the server as a whole (RFC 9110, 9.3.7)
    return 204, nil, { Allow = table.concat(self.router:methods(), ", ") }
  end
  local handler, params = self.router:find(req.method, req.path)
  if handler then
    req.params = params
    return handler(req)
  end
  if #params == 0 then return error_answer(404, "NOT_FOUND", "there is nothing at " .. req.path) end
  local allow = { Allow = table.concat(params, ", ") }
  if req.method == "OPTIONS" then return 204, nil, allow end
  local status, body = error_answer(405, "INVALID", req.method .. " is not for " .. req.path)
  return status, body, allow
end

-- Calls middleware n, which may call the rest: further middleware and the route.
local function run_handlers(self, req, n)
  local fn = self.middleware[n]
  if not fn then return route_request(self, req) end
  return fn(req, function() return run_handlers(self, req, n + 1) end)
end

local function is_io(self, path)
  return self.engine_io and (path == self.engine_io.path or path == self.engine_io.bare_path)
end

local function open_websocket(self, id, req)
  local handlers, params = self.channels:find("GET", req.path)
  if not handlers then return send_answer(self, id, error_answer(404, "NOT_FOUND", "no WebSocket here")) end
  req.params = params
  local answer, status, body = true, nil, nil
  if handlers.accept then answer, status, body = handlers.accept(req) end
  if not answer then return send_answer(self, id, status or 403, body) end
  local accepted, err = self.core:accept(id, type(answer) == "string" and answer or nil)
  if not accepted and err.code == "CLOSED" then return end
  if not accepted then error("accept: " .. err.message, 0) end
  local ws = self:channel(id, handlers)
  if not handlers.open then return end
  local opened, why = xpcall(handlers.open, debug.traceback, ws, req)
  if opened then return end
  self.core:hang_up(id, 1011, "internal error")
  error(why, 0)
end

local function on_request(self, id, req)
  if is_io(self, req.path) then return self.engine_io.engine:request(id, req) end
  complete_request(req)
  if req.websocket then return open_websocket(self, id, req) end
  send_answer(self, id, normalise_answer(run_handlers(self, req, 1)))
end

-- --- plain WebSockets -----------------------------------------------------------------------

local WebSocket = {}
WebSocket.__index = WebSocket

--- Sends a message, text unless `binary`.
---@return true?, tidelock.Error?
function WebSocket:send(data, binary) return self.core:send(self.id, data, binary) end
function WebSocket:close(code, reason) self.core:hang_up(self.id, code, reason) end

local function on_message(self, id, data, binary)
  if self.engine_io and self.engine_io.engine:message(id, data, binary) then return end
  local ws = self.open_channels[id]
  if not ws then return self.core:hang_up(id, 1012, "reloaded") end
  if ws.handlers.message then ws.handlers.message(ws, data, binary) end
end

local function on_closed(self, id, code, reason)
  if self.engine_io and self.engine_io.engine:closed(id) then return end
  local ws = self.open_channels[id]
  self.open_channels[id] = nil
  if ws and ws.handlers.close then ws.handlers.close(ws, code, reason) end
end

local function on_drained(self, id)
  local out = self.streams[id]
  if out then stream.drained(out) end
end

local function on_gone(self, id)
  if self.streams[id] then return stream.gone(self.streams[id]) end
  if self.engine_io then self.engine_io.engine:gone(id) end
end

-- --- the server -----------------------------------------------------------------------------

local Server = {}

local methods = checks.strict("a server", {}, "method")

function Server.__index(self, key)
  if key == "port" then return self.core:port() end
  if key == "url" and self.fake then return "http://" .. self.fake end
  if key == "url" then
    local port, host = self.core:port(), self.host
    if host == "0.0.0.0" then host = "127.0.0.1" end
    if host:find(":", 1, true) then host = "[" .. host .. "]" end
    return port and ("http://%s:%d"):format(host, port)
  end
  return methods[key]
end

function methods:channel(id, handlers)
  local ws = setmetatable({ id = id, core = self.core, handlers = handlers, data = {} }, WebSocket)
  self.open_channels[id] = ws
  return ws
end

--- Serves a method and a pattern: fn(req) returns the answer. See docs/server.md.
---@param method string "GET", or "*" for any
---@param pattern string "/projects/:id", "/files/*path"
---@param fn fun(req: tidelock.server.Request): any, any, any
function methods:route(method, pattern, fn, none)
  checks.none("server:route", none)
  if type(method) ~= "string" or type(fn) ~= "function" then
    error("route takes a method, a pattern and a function", 2)
  end
  self.router:add(method:upper(), pattern, fn)
  return self
end

for _, method in ipairs { "get", "post", "put", "patch", "delete" } do
  methods[method] = function(self, pattern, fn, none)
    checks.none("server:" .. method, none)
    return methods.route(self, method, pattern, fn)
  end
end

--- Runs before the routes, in order: fn(req, next) returns an answer of its own, or next()'s.
---@param fn fun(req: tidelock.server.Request, next: function): any, any, any
function methods:use(fn, none)
  checks.none("server:use", none)
  if type(fn) ~= "function" then error("a middleware is a function", 2) end
  table.insert(self.middleware, fn)
  return self
end

--- Takes WebSockets at a pattern: { accept(req), open(ws, req), message(ws, data, binary),
--- close(ws, code, reason) }, each optional.
---@param pattern string
---@param handlers table<string, function>
function methods:websocket(pattern, handlers, none)
  checks.check("server:websocket", handlers, { "accept", "open", "message", "close" })
  checks.none("server:websocket", none)
  for name, fn in pairs(handlers or {}) do
    if type(fn) ~= "function" then error(("server:websocket: %s is a function"):format(name), 2) end
  end
  self.channels:add("GET", pattern, handlers or {})
  return self
end

--- Speaks Socket.IO at a path. Returns the namespace "/".
---@param options? tidelock.server.IoOptions
---@return tidelock.server.Namespace
function methods:io(options)
  checks.check("server:io", options, sockets.option_names)
  if self.engine_io then error("a server has one io: use io:of(name) for more namespaces", 2) end
  local io, root = sockets.new(self, options)
  self.engine_io = io
  return root
end

--- The number of open connections, idle ones included.
---@return integer
function methods:connections() return self.core:connections() end

--- Closes the server and all its connections.
function methods:close()
  if self.engine_io then self.engine_io.engine:stop() end
  self.core:close()
end

-- 0 means the default, as in the core.
local function most_connections(options)
  local most = options.max_connections
  return type(most) == "number" and most > 0 and most or 4096
end

local option_names = {
  "host", "hosts", "idle_timeout", "head_timeout", "max_backlog", "max_body", "max_connections",
  "max_head", "max_message", "origins", "port", "request_timeout", "write_timeout",
}

local function open_server(name, options)
  local self = setmetatable({
    name = name, host = options.host or "127.0.0.1", max_connections = most_connections(options),
    middleware = {}, router = router.new(), channels = router.new(), open_channels = {}, engine_io = false,
    streams = {},
    fake = options.fake or false,
  }, Server)
  local function bind_self(fn)
    return function(...) return fn(self, ...) end
  end
  local listener, err = core.declare(name, options, bind_self(on_request), bind_self(on_gone),
    bind_self(on_message), bind_self(on_closed), bind_self(on_drained))
  if not listener then return nil, err end
  self.core = listener
  return self
end

---Declares a server. A reload with the same name and options keeps it open, with its
---connections; handlers, routes and middleware are those of the new generation.
---@param name string
---@param options? tidelock.server.Options
---@return tidelock.server.Server? server
---@return tidelock.Error? err BUSY: the port is taken (at the top level: the load fails)
function M.listen(name, options, none)
  if type(name) ~= "string" then error("server.listen takes a name and options", 2) end
  checks.check("server.listen", options, option_names)
  checks.none("server.listen", none)
  return open_server(name, options or {})
end

-- For tidelock.test.server: `options.fake` is a host that only connections of this process find.
core.open = open_server

--- Binary data for events and acks: socket.binary.
M.binary = socket.binary

--- Makes an error that a handler may return as `nil, err`, and that is answered with this status.
---@param status integer
---@param code string
---@param message string
---@return tidelock.Error
function M.error(status, code, message)
  local err = errors.new { code = code, message = message }
  err.status = status
  return err
end

return M
