-- The server that tests/peer/server_test.sh runs and its clients speak to. VERSION is replaced
-- there when the script is to be reloaded.
local VERSION = 1
local script = require "tidelock.script"
local server = require "tidelock.server"
local task = require "tidelock.task"

local srv = server.listen("backend", { max_body = 1000000 })

srv:use(function(req, next)
  if req.headers["x-stop"] then return 401, { error = { code = "REJECTED", message = "stopped" } } end
  req.seen = true
  return next()
end)
srv:get("/version", function() return { version = VERSION } end)
srv:get("/hello/:name", function(req)
  return { hello = req.params.name, query = req.query, seen = req.seen, agent = req.headers["x-agent"] }
end)
srv:post("/echo", function(req)
  local body, err = req.json()
  if body == nil then return nil, err end
  return 201, body, { ["X-Thing"] = { "a", "b" } }
end)
srv:get("/slow", function() task.sleep(0.2) return "slow" end)
srv:get("/boom", function() error("boom") end)
srv:get("/missing", function() return nil, server.error(410, "GONE", "no such thing") end)
srv:delete("/hello/:name", function() end)
srv:websocket("/ws", {
  open = function(ws, req) ws:send("hello " .. (req.query.name or "")) end,
  message = function(ws, data, binary) ws:send(data, binary) end,
})

local io = srv:io { ping_interval = 0.1, ping_timeout = 1 }
io:use(function(sock)
  task.sleep(0.01)
  if sock.handshake.auth.token == "bad" then
    return nil, { message = "no entry", data = { why = "bad" } }
  end
end)
io:on("connection", function(sock)
  if not sock.restored then sock:emit("welcome", VERSION) end
  sock:on("add", function(a, b, ack)
    sock.data.count = (sock.data.count or 0) + 1
    ack(a + b, sock.data.count, sock:rooms(), VERSION)
  end)
  sock:on("join", function(room, ack) sock:join(room) ack() end)
  sock:on("leave", function(room, ack) sock:leave(room) ack() end)
  sock:on("say", function(room, text) io:to(room):emit("said", text) end)
  sock:on("others", function(room, text) sock:to(room):emit("said", text) end)
  sock:on("shout", function(value) sock.broadcast:emit("shouted", value) end)
  sock:on("ask", function(timeout)
    local reply, err = sock:timeout(timeout):call("question", 42)
    sock:emit("answered", reply, err and err.code)
  end)
  sock:on("files", function(name, file, ack) -- bytes in, the same and more back, as event and ack
    sock:emit("filed", { name = name, copies = { server.binary(file), server.binary(file:reverse()) } })
    ack(server.binary(file), name, { server.binary "" })
  end)
  sock:on("ask_file", function()
    local file, list = sock:call("file", server.binary "\0\1\2")
    sock:emit("asked", server.binary(file .. list[2]))
  end)
  sock:on("share_file", function(file) io:emit("shared", server.binary(file)) end)
  sock:on("boom", function() error("boom") end)
  sock:on("out", function(close) sock:disconnect(close) end)
  sock:on("disconnect", function(reason) io:emit("left", reason) end)
end)
io:of("/admin"):on("connection", function(sock)
  sock:on("who", function(ack) ack("admin", sock.nsp.name) end)
end)

script.on_start(function() print("PORT " .. srv.port) end)
