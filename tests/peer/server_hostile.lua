-- The server that tests/peer/server_hostile.py does its worst to. HOSTS is replaced when the
-- script is to be reloaded.
local HOSTS = {}
local script = require "tidelock.script"
local server = require "tidelock.server"
local task = require "tidelock.task"

local srv = server.listen("backend", {
  hosts = HOSTS, origins = { "http://page.test" }, max_body = 100000, max_connections = 300,
  head_timeout = 0.5, request_timeout = 1, idle_timeout = 1, write_timeout = 1,
})
local function deep(n) return 1 + deep(n) end
local function nest() return (("x"):gsub("x", nest)) end
local function answers(path, ...)
  local values = table.pack(...)
  srv:get(path, function() return table.unpack(values, 1, values.n) end)
end

srv:use(function(req, next)
  if req.query.yield then coroutine.yield() end
  return next()
end)
srv:get("/ok", function() return "ok" end)
srv:post("/echo", function(req) return req.body end)
srv:get("/echo", function(req) return req.body end)
srv:get("/slow", function() task.sleep(0.2) return "slow" end)
srv:get("/big", function() return ("x"):rep(8 << 20) end)
srv:get("/deep", function() return deep(1) end)
srv:get("/nest", function() return nest() end)
srv:get("/raises", function() error() end)
srv:get("/object", function() error(setmetatable({}, { __tostring = function() error("again") end })) end)
srv:get("/yields", function() return coroutine.yield(1) end)
answers("/status/low", 99, "x")
answers("/status/interim", 101, "x")
answers("/status/high", 600, "x")
answers("/status/wraps", (1 << 32) + 200, "x")
answers("/body/function", print)
answers("/body/cyclic", setmetatable({}, { __index = print }))
answers("/header/splits", "x", { ["X-A"] = "a\r\nSet-Cookie: b=c" })
answers("/header/lf", "x", { ["X-A"] = "a\nb" })
answers("/header/zero", "x", { ["X-A"] = "a\0b" })
answers("/header/name", "x", { ["X-A: b\r\nX-B"] = "c" })
answers("/header/length", "x", { ["Content-Length"] = "100" })
answers("/header/coding", "x", { ["Transfer-Encoding"] = "chunked" })
answers("/header/function", "x", { ["X-A"] = print })
answers("/header/list", "x", { ["X-A"] = { "a", "b" } })
answers("/empty/304", 304, "body")
answers("/empty/204", 204, "body")
answers("/empty/205", 205, "body")
srv:websocket("/ws", { message = function(ws, data) ws:send(data) end })
srv:websocket("/ws/raises", { accept = function() error("x") end })
srv:websocket("/ws/offers", { accept = function() return "never-offered" end })
srv:websocket("/ws/opens", { open = function() error("x") end })

local io = srv:io { ping_interval = 2, ping_timeout = 1, connect_timeout = 1, cors = "https://app.test" }
io:use(function(sock)
  if sock.handshake.auth.deep then deep(1) end
  if sock.handshake.auth.yields then coroutine.yield() end
end)
io:on("connection", function(sock)
  sock:on("raises", function() error("x") end)
  sock:on("deep", function() deep(1) end)
  sock:on("ask", function(ack) ack("here") end)
end)
script.on_start(function() print("PORT " .. srv.port) end)
