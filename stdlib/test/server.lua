-- test.server of tidelock.test: a server in this process, without a port. Connections to its host, by
-- HTTP, WebSocket and Socket.IO, lead to it through the real client and the real server; only the
-- network between them is not there.
local core = require "tidelock.server.core"
local checks = require "tidelock.options.core"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
require "tidelock.server" -- which gives core.open

local M = {}

local names = { "host", "routes", "delay" }
local faults = { refuse = true, hang = true, reset = true, cut = true, none = true }
local open, serial = {}, 0

local Fake = checks.strict("a fake server", {}, "method")

local function note_request(fake, req)
  local list = fake.requests
  list[#list + 1] = {
    method = req.method, path = req.path, query = req.query, query_string = req.query_string,
    headers = req.headers, body = req.body, time = timer.now(),
  }
end

local function answer(fake, req, next_one)
  note_request(fake, req)
  if fake.delay > 0 then task.sleep(fake.delay) end
  return next_one()
end

-- What a route gives: a function, or the answer itself.
local function give(what, req)
  if type(what) == "function" then return what(req) end
  local whole = type(what) == "table" and (what.status or what.body or what.delay or what.headers)
  if not whole then return what end
  if what.delay then task.sleep(what.delay) end
  return what.status or 200, what.body, what.headers
end

local function add_routes(fake, routes)
  for key, what in pairs(routes) do
    local method, pattern = tostring(key):match "^(%S+) (/%S*)$"
    if not method then
      error(("test.server: a route is like \"GET /users/:id\", not %s"):format(checks.cut(key)), 4)
    end
    fake.server:route(method, pattern, function(req) return give(what, req) end)
  end
end

--- Adds a route: a function of the request, or the answer itself.
---@param method string
---@param pattern string
---@param what any
function Fake:route(method, pattern, what)
  self.server:route(method, pattern, function(req) return give(what, req) end)
  return self
end

--- Lets the next connections go wrong.
---@param kind string
---@param options? { times?: integer, bytes?: integer }
function Fake:fail(kind, options)
  checks.check("server:fail", options, { "times", "bytes" })
  if not faults[kind] then
    error(("server:fail takes \"refuse\", \"hang\", \"reset\", \"cut\" or \"none\", not %s"):format(
      checks.cut(kind)), 2)
  end
  options = options or {}
  local times, bytes = options.times or 1, options.bytes or 0
  if times == math.huge then times = -1 end
  if math.type(times) ~= "integer" or times < -1 or math.type(bytes) ~= "integer" or bytes < 0 then
    error("server:fail: times and bytes are whole numbers", 2)
  end
  self.server.core:fail(kind, times, bytes)
end

--- Breaks all connections.
function Fake:disconnect() self.server.core:drop() end

--- Closes it.
function Fake:close()
  if not self.open then return end
  self.open = false
  self.server:close()
end

for _, name in ipairs { "use", "websocket", "io", "connections" } do
  Fake[name] = function(self, ...) return self.server[name](self.server, ...) end
end

local function check_options(options)
  checks.check("test.server", options, names)
  local host, delay = options.host or "fake.test", options.delay or 0
  if type(host) ~= "string" or not host:find "^[%w%-%.]+$" then
    error("test.server: host is a name like \"api.test\", not " .. checks.cut(host), 3)
  end
  if type(delay) ~= "number" or not (delay >= 0 and delay <= 1e9) then
    error("test.server: delay is a number of seconds, not " .. checks.cut(delay), 3)
  end
  return host:lower(), delay
end

function M.open(options, none)
  options = options or {}
  local host, delay = check_options(options)
  checks.none("test.server", none)
  serial = serial + 1
  local server, err = core.open("fake." .. serial, { fake = host, hosts = { host }, origins = { "*" } })
  if not server then error("test.server: " .. err.message, 2) end
  local fake = setmetatable({
    server = server, host = host, url = "http://" .. host, delay = delay, requests = {}, open = true,
  }, { __index = Fake, __name = "fake server" })
  open[#open + 1] = fake
  server:use(function(req, next_one) return answer(fake, req, next_one) end)
  add_routes(fake, options.routes or {})
  return fake
end

M.class = Fake

--- The test is over.
function M.close()
  while #open > 0 do table.remove(open):close() end
end

return M
