---@meta tidelock.server

---Serves HTTP/1.1, WebSocket and Socket.IO inside a script: for demos, tests and small tools.
---It listens on loopback unless it is asked for more, and refuses requests of foreign names and
---pages. See docs/server.md.
---
---```lua
---local http = require "tidelock.http"
---local script = require "tidelock.script"
---local server = require "tidelock.server"
---
---local srv = server.listen("backend", { port = 0 })
---srv:get("/hello/:name", function(req) return { hello = req.params.name } end)
---
---local io = srv:io()
---io:on("connection", function(sock)
---  sock:on("say", function(text) io:emit("said", text) end)
---end)
---
---script.on_start(function() print(http.get(srv.url .. "/hello/Ada").body) end)
---```
---```text
---{"hello":"Ada"}
---```
---@class tidelock.server
local server = {}

---The options of `server.listen`. Other names raise. For a limit 0 means the default.
---@class tidelock.server.Options
---@field port? integer the port; 0: any that is free. Default: 0
---@field host? string the address to listen on; one that is not loopback needs `hosts`. Default: `"127.0.0.1"`
---@field hosts? string|string[] the names it answers to besides those of loopback; requests for other names get 421. Default: none
---@field origins? string|string[] the origins of pages whose requests it takes besides its own; other pages get 403. Default: none
---@field max_head? integer bytes of the request line and the headers. Default: 16 KiB
---@field max_body? integer bytes of the body of a request. Default: 8 MiB
---@field max_message? integer bytes of a WebSocket message. Default: 1 MiB
---@field max_backlog? integer bytes that may wait for one WebSocket client. Default: 4 MiB
---@field max_connections? integer connections at once, and sessions of Socket.IO at once. Default: 4096
---@field head_timeout? number seconds for the head of a request. Default: 10
---@field request_timeout? number seconds for a whole request. Default: 60
---@field idle_timeout? number seconds between two requests of a connection. Default: 60
---@field write_timeout? number seconds in which the client takes no byte. Default: 30

---Declares a server. After a reload the same name and options mean the same server, which stays open
---with its connections; the routes and handlers are those of the new generation. It keeps the
---process running.
---@param name string letters, digits, `_`, `.` and `-`; once in a script
---@param options? tidelock.server.Options where it listens, and its limits. Default: `{}`
---@return tidelock.server.Server? server the server
---@return tidelock.Error? err `BUSY`: the port is taken; `INVALID`: an option cannot be used. At the top level of a script the load fails with it
function server.listen(name, options) end

---Marks the bytes of a string as binary data for events and acks, as `socket.binary` does.
---@param bytes string the bytes
---@return tidelock.Binary binary the same bytes, marked
function server.binary(bytes) end

---An error that a handler may return, with the status of the response.
---@class tidelock.server.Error: tidelock.Error
---@field status integer the status

---Makes an error that a handler may return as `nil, err`.
---@param status integer the status of the response
---@param code string capital letters, digits and `_`
---@param message string what happened, for the client
---@return tidelock.server.Error err the error
function server.error(status, code, message) end

---What a handler of a route returns, in one of these forms: a table (200, as JSON), a string (200,
---as text) or a function that writes the body in pieces (`fun(out: tidelock.server.Stream)`), with headers behind it; a status, a body and headers; nothing (204); or `nil` and an
---error, whose `status` counts, else one that follows from its code: `INVALID` and `DECODE` 400,
---`REJECTED` 403, `NOT_FOUND` 404, `BUSY` 409, `TOO_LARGE` 413, `UNSUPPORTED` 415, `TIMEOUT` 504,
---others 500.
---@alias tidelock.server.Handler fun(req: tidelock.server.Request): any, any, any

---A server.
---@class tidelock.server.Server
---@field name string its name
---@field port? integer the port, once it is open
---@field url? string like `"http://127.0.0.1:8000"`, once it is open
local Server = {}

---A request.
---@class tidelock.server.Request
---@field method string the method, in capitals
---@field path string the path as it came, percent-encoded, without the query
---@field params table<string, string> the parts of the path that the pattern names, decoded
---@field query table<string, string> the query, decoded; of a name that comes twice the last value
---@field query_string string the query as it came
---@field headers table<string, string> headers by lower-case name; repeated ones are joined with `, `
---@field body string the body as it came
---@field remote string the address of the client
---@field json fun(): any, tidelock.Error? decodes the body; `nil` and an error with `DECODE` when it is no JSON
---@field websocket boolean whether it asks for a WebSocket
---@field multipart fun(limits?: tidelock.server.PartLimits): tidelock.server.Part[]?, tidelock.Error? reads a form with files (RFC 7578); `UNSUPPORTED`: the body is none; `INVALID`; `TOO_LARGE`

---How much a form may have. Other names raise.
---@class tidelock.server.PartLimits
---@field max_parts? integer how many parts. Default: 100
---@field max_part? integer bytes of the body of a part. Default: no limit beside `max_body`
---@field max_head? integer bytes of the headers of a part. Default: 8 KiB

---A part of a form.
---@class tidelock.server.Part
---@field name string its name
---@field filename? string the name of its file, without a path
---@field is_file boolean whether it came as a file
---@field type? string its `Content-Type`, as the client says
---@field headers table<string, string> its headers by lower-case name
---@field body string its bytes

---An answer that is sent in pieces: the argument of a function that is the body of a response.
---@class tidelock.server.Stream
---@field closed boolean whether the client is gone
local Stream = {}

---Sends a piece. Waits while the client has not taken what it was sent before.
---@param text string the piece
---@return true? done when it is sent or waits
---@return tidelock.Error? err `CLOSED`: the client is gone; `MEMORY`; `BUFFER_FULL`: other tasks write without waiting
function Stream:write(text) end

---Sends a server-sent event. Line ends in `type` and `id` raise.
---@param event { data?: string, type?: string, id?: string|integer, retry?: number } `retry` in seconds
---@return true? done when it is sent or waits
---@return tidelock.Error? err as of `write`
function Stream:event(event) end

---Waits until `wake` is called, the client is gone, or the time is up.
---@param seconds number the longest time
---@return boolean woken whether it was woken, and the client is there
function Stream:wait(seconds) end

---Lets the task in `wait` go on. If none waits, the next `wait` returns at once.
function Stream:wake() end

---Serves a method at a path. The first route that fits wins. In a pattern a part `:name` fits any one
---part of a path, and `*name` at its end fits the rest.
---@param method string the method; `"*"`: any
---@param pattern string like `"/projects/:id"` or `"/files/*path"`
---@param fn tidelock.server.Handler makes the response; may wait
---@return tidelock.server.Server self the server
function Server:route(method, pattern, fn) end

---Serves GET requests at a path. HEAD requests go there, too, and get the headers.
---@param pattern string like `"/projects/:id"` or `"/files/*path"`
---@param fn tidelock.server.Handler makes the response; may wait
---@return tidelock.server.Server self the server
function Server:get(pattern, fn) end

---Serves POST requests at a path.
---@param pattern string like `"/projects/:id"` or `"/files/*path"`
---@param fn tidelock.server.Handler makes the response; may wait
---@return tidelock.server.Server self the server
function Server:post(pattern, fn) end

---Serves PUT requests at a path.
---@param pattern string like `"/projects/:id"` or `"/files/*path"`
---@param fn tidelock.server.Handler makes the response; may wait
---@return tidelock.server.Server self the server
function Server:put(pattern, fn) end

---Serves PATCH requests at a path.
---@param pattern string like `"/projects/:id"` or `"/files/*path"`
---@param fn tidelock.server.Handler makes the response; may wait
---@return tidelock.server.Server self the server
function Server:patch(pattern, fn) end

---Serves DELETE requests at a path.
---@param pattern string like `"/projects/:id"` or `"/files/*path"`
---@param fn tidelock.server.Handler makes the response; may wait
---@return tidelock.server.Server self the server
function Server:delete(pattern, fn) end

---Adds a middleware: it runs before the routes, in the order of the calls. It returns a response of
---its own or the results of `next()`.
---@param fn fun(req: tidelock.server.Request, next: fun(): any, any, any): any, any, any may wait
---@return tidelock.server.Server self the server
function Server:use(fn) end

---What a plain WebSocket at a path does. Other names raise.
---@class tidelock.server.WebSocketHandlers
---@field accept? fun(req: tidelock.server.Request): boolean|string, integer?, any lets the client in: `true`, or a subprotocol that it offers; `false` refuses, with a status and a body. Default: lets all in
---@field open? fun(ws: tidelock.server.WebSocket, req: tidelock.server.Request) runs when the WebSocket is open
---@field message? fun(ws: tidelock.server.WebSocket, data: string, binary: boolean) runs for each message
---@field close? fun(ws: tidelock.server.WebSocket, code: integer, reason: string) runs when the WebSocket has ended

---Takes plain WebSockets at a path (RFC 6455).
---@param pattern string as of `route`
---@param handlers tidelock.server.WebSocketHandlers what happens to them; each may wait
---@return tidelock.server.Server self the server
function Server:websocket(pattern, handlers) end

---The options of `io`. Other names raise.
---@class tidelock.server.IoOptions
---@field path? string where it speaks Engine.IO; begins with `/`. Default: `"/socket.io/"`
---@field ping_interval? number seconds from one ping to the next. Default: 25
---@field ping_timeout? number seconds to wait for the pong. Default: 20
---@field max_payload? integer bytes of a message. Default: 1000000
---@field connect_timeout? number seconds for a client to join its first namespace. Default: 45
---@field cors? string|string[] the origins of pages that may connect and poll; `"*"`: any, without credentials. Default: none

---Speaks Socket.IO, once for a server.
---@param options? tidelock.server.IoOptions where and with which times. Default: `{}`
---@return tidelock.server.Namespace namespace the namespace `/`
function Server:io(options) end

---Counts the open connections, also those between two requests.
---@return integer count how many there are
function Server:connections() end

---Closes the server and all its connections.
function Server:close() end

---A plain WebSocket of a client.
---@class tidelock.server.WebSocket
---@field id integer its number, which no other WebSocket of the server has
---@field data table a table for the script
local WebSocket = {}

---Sends a message.
---@param data string the message
---@param binary? boolean a binary message. Default: `false`
---@return true? done when it is sent or waits
---@return tidelock.Error? err `BUFFER_FULL`: too much waits for this client; `NOT_CONNECTED`: it has left; `DECODE`: a text that is not UTF-8; `CLOSED`: the server is closed
function WebSocket:send(data, binary) end

---Closes the WebSocket.
---@param code? integer the close code, 1000 to 4999. Default: 1000
---@param reason? string words for the client. Default: none
function WebSocket:close(code, reason) end

---A namespace of Socket.IO.
---@class tidelock.server.Namespace
---@field name string its name, like `"/"`
local Namespace = {}

---Adds a middleware: it is asked before a client joins, in the order of the calls. It refuses by
---returning `nil` or `false` and a reason: a string, or a table with `message` and `data`.
---@param fn fun(sock: tidelock.server.Socket): any, any may wait
---@return tidelock.server.Namespace self the namespace
function Namespace:use(fn) end

---Calls a function for each client that has joined, and again for each after a reload, with
---`sock.restored`.
---@param event "connection" the only event of a namespace
---@param fn fun(sock: tidelock.server.Socket) may wait
---@return tidelock.Handler handler removes the function
function Namespace:on(event, fn) end

---Declares another namespace, or returns it.
---@param name string begins with `/`
---@return tidelock.server.Namespace namespace the namespace
function Namespace:of(name) end

---Sends an event to all clients.
---@param event string the name of the event
---@param ... any plain values and binary data
---@return true? done when it is sent
---@return tidelock.Error? err `DECODE`: an argument cannot be sent; `TOO_LARGE`: too much binary data
function Namespace:emit(event, ...) end

---Narrows down to the clients in a room. May be chained.
---@param room string the name of the room
---@return tidelock.server.Broadcast broadcast those clients
function Namespace:to(room) end

---Leaves out the clients in a room. May be chained.
---@param room string the name of the room, or the id of a client
---@return tidelock.server.Broadcast broadcast the other clients
function Namespace:except(room) end

---Lists the clients.
---@return tidelock.server.Socket[] sockets all clients in the namespace
function Namespace:sockets() end

---Finds a client.
---@param id string its id
---@return tidelock.server.Socket? sock the client; `nil`: there is none
function Namespace:socket(id) end

---Some clients of a namespace: an event goes to each of them once.
---@class tidelock.server.Broadcast
local Broadcast = {}

---Adds the clients in a room.
---@param room string the name of the room
---@return tidelock.server.Broadcast broadcast these clients, too
function Broadcast:to(room) end

---Leaves out the clients in a room.
---@param room string the name of the room, or the id of a client
---@return tidelock.server.Broadcast broadcast the other clients
function Broadcast:except(room) end

---Lists the clients.
---@return tidelock.server.Socket[] sockets the clients
function Broadcast:sockets() end

---Sends an event to the clients.
---@param event string the name of the event
---@param ... any plain values and binary data
---@return true? done when it is sent
---@return tidelock.Error? err `DECODE`: an argument cannot be sent; `TOO_LARGE`: too much binary data
function Broadcast:emit(event, ...) end

---What a client sent when it connected.
---@class tidelock.server.Handshake
---@field auth table what it gave to be let in
---@field headers table<string, string> the headers of its first request, by lower-case name
---@field query table<string, string> the query of its first request
---@field address string its address
---@field time integer when, in seconds since 1970

---A client in a namespace of Socket.IO.
---@class tidelock.server.Socket
---@field id string its id
---@field handshake tidelock.server.Handshake what it sent when it connected
---@field data table a table for the script: plain values, which live on over a reload
---@field connected boolean whether it is still there
---@field restored? boolean `true` after a reload: it joined before
---@field broadcast tidelock.server.Broadcast all others in the namespace
local Socket = {}

---Calls a function for an event of the client. Each call is a task of its own. When the client waits
---for an answer, a function comes last: call it once with the answer. The event `disconnect` has the
---reason: `client namespace disconnect`, `server namespace disconnect`, `transport close`,
---`transport error`, `ping timeout`, `parse error`, `connect timeout` or `forced close`.
---@param event string the name of the event
---@param fn function gets the arguments of the event; may wait
---@return tidelock.Handler handler removes the handler
function Socket:on(event, fn) end

---Calls a function for the next event of a name, once.
---@param event string the name of the event
---@param fn function gets the arguments of the event; may wait
---@return tidelock.Handler handler removes the handler
function Socket:once(event, fn) end

---Calls a function for every event of the client.
---@param fn fun(event: string, ...) may wait
---@return tidelock.Handler handler removes the handler
function Socket:on_any(fn) end

---Removes handlers of an event.
---@param event string the name of the event
---@param fn? function the handler to remove. Default: all of them
function Socket:off(event, fn) end

---Sends an event.
---@param event string the name of the event
---@param ... any plain values and binary data
---@return true? done when it is sent or waits
---@return tidelock.Error? err `NOT_CONNECTED`: the client has left; `BUFFER_FULL`: too much waits for it; `DECODE`: an argument cannot be sent
function Socket:emit(event, ...) end

---Sends an event and waits for the answer of the client, 10 seconds.
---@param event string the name of the event
---@param ... any plain values and binary data
---@return any ... the answer, `true` when it is empty; or `nil` and an error: `TIMEOUT`, `CLOSED` or as `emit`
function Socket:call(event, ...) end

---Calls with a time of their own.
---@class tidelock.server.TimedSocket
local Timed = {}

---Sends an event and waits for the answer of the client.
---@param event string the name of the event
---@param ... any plain values and binary data
---@return any ... as `sock:call`
function Timed:call(event, ...) end

---Sets the time for calls: `sock:timeout(0.5):call("event", ...)`.
---@param seconds number above 0
---@return tidelock.server.TimedSocket timed may be kept
function Socket:timeout(seconds) end

---Joins a room.
---@param room string the name of the room
function Socket:join(room) end

---Leaves a room.
---@param room string the name of the room
function Socket:leave(room) end

---Lists the rooms that the client is in.
---@return string[] rooms their names, sorted
function Socket:rooms() end

---Narrows down to the others in a room.
---@param room string the name of the room
---@return tidelock.server.Broadcast broadcast the clients in the room without this one
function Socket:to(room) end

---Sends the client out of the namespace.
---@param close? boolean also closes its connection. Default: `false`
function Socket:disconnect(close) end

return server
