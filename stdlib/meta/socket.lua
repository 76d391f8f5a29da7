---@meta tidelock.socket

---Keeps connections open: Socket.IO (version 5, over Engine.IO 4) and plain WebSocket (RFC 6455).
---A connection that breaks is made again, and lives on over reloads. Events that are sent meanwhile
---wait in a buffer. See docs/socket.md.
---
---```lua
---local script = require "tidelock.script"
---local server = require "tidelock.server"
---local socket = require "tidelock.socket"
---
---local srv = server.listen("echo", {})
---srv:io():on("connection", function(sock)
---  sock:on("say", function(text, ack) ack("heard " .. text) end)
---end)
---
---script.on_start(function()
---  local chat = socket.connect("chat", { url = srv.url })
---  chat:on_state(function(state) print("state", state) end)
---  chat:wait(5)
---  print(chat:call("say", "hello"))
---end)
---```
---```text
---state	connected
---heard hello
---```
---@class tidelock.socket
local socket = {}

---How a connection is.
---@alias tidelock.SocketState
---| "connecting" # the first attempt since `connect`
---| "connected" # the server has let it in; events flow
---| "reconnecting" # it broke or could not be made; it waits or tries again
---| "closed" # it has ended and is not tried again, or was never connected
---| "pending" # it is attached to a connection that no script has declared yet

---What is known about a change of state.
---@class tidelock.SocketInfo
---@field reason? string `io server disconnect`, `io client disconnect`, `ping timeout`, `transport close`, `transport error`, `parse error`, `connect error` or `rejected`
---@field code? integer the close code of the WebSocket (RFC 6455, 7.4)
---@field close_reason? string the words of the server beside its close code
---@field detail? string what happened, for developers
---@field error? tidelock.Error the error behind it
---@field data? any what the server sent when it refused
---@field will_retry boolean whether it will be tried again
---@field retry_in? number seconds until then
---@field message? string of a failure: the connection, its URL without secrets, the reason, and what follows
---@field recovered boolean with `connected`: no event was missed; `false` after a reconnection: some may be missing
---@field attempt integer how many attempts have failed in a row

---How a connection is tried again. Other names raise.
---@class tidelock.Reconnect
---@field delay? number seconds before the first retry; the delay doubles each time. Default: 1
---@field max_delay? number the longest delay in seconds. Default: 5
---@field attempts? number how many retries in a row; `math.huge`: no limit. Default: `math.huge`
---@field jitter? number the share of the delay that is random, 0 to 1. Default: 0.5

---The heartbeat of a plain WebSocket. Other names raise.
---@class tidelock.Heartbeat
---@field interval? number seconds from one ping to the next. Default: 25
---@field timeout? number seconds without a sign of life behind a ping until the connection counts as lost. Default: 20

---What waits to be sent. Other names raise.
---@class tidelock.SocketBuffer
---@field count? integer events that may wait for a connection. Default: 1000
---@field bytes? integer bytes that may wait for a connection. Default: 1 MiB
---@field age? number seconds that an event may wait for a connection. Default: 60
---@field unsent? integer bytes that may be on their way while it is connected; more is `BACKPRESSURE`. Default: 16 MiB

---Compression of WebSocket messages: permessage-deflate (RFC 7692). Other names raise.
---@class tidelock.Deflate
---@field client_no_context_takeover? boolean each message of this side is compressed by itself. Default: `false`
---@field server_no_context_takeover? boolean asks the server to compress each message by itself. Default: `false`
---@field client_max_window_bits? integer the window of this side, 9 to 15. Default: 15
---@field server_max_window_bits? integer asks the server for this window, 9 to 15. Default: 15
---@field level? integer how hard to compress, 1 to 9. Default: that of zlib
---@field threshold? integer messages of fewer bytes are not compressed. Default: 1024

---The options of `socket.connect`. Other names raise.
---@class tidelock.SocketOptions: tidelock.Route
---@field url string `ws`, `wss`, `http`, `https` or `unix:PATH[:TARGET]`
---@field protocol? "socket.io"|"websocket" what the server speaks. Default: `"socket.io"`
---@field namespace? string the namespace; begins with `/`. Default: the path of the URL, else `"/"`
---@field path? string where the server speaks Engine.IO. Default: `"/socket.io/"`
---@field add_trailing_slash? boolean makes `path` end with `/`. Default: `true`
---@field query? table<string, string|number>|string is added to the URL of every request; a string is encoded already
---@field headers? table<string, string|number> go with every request of the connection
---@field auth? table|fun(): table?, tidelock.Error? what the server gets when it lets the connection in; the function is called at every attempt and may wait; `nil` and an error fail the attempt
---@field auto_connect? boolean connects when the script has loaded; `false`: when `socket:connect` is called. Default: `true`
---@field share? "none"|"hear"|"send"|"control" what other scripts may do with it. Default: `"send"`
---@field timeout? number seconds for one attempt. Default: 20
---@field reconnect? tidelock.Reconnect|boolean how it is tried again; `false`: never. Default: `true`
---@field transports? ("websocket"|"polling")[] how to reach the server, the first one first. Default: `{ "websocket", "polling" }`
---@field try_all_transports? boolean tries the next transport where the first cannot be had. Default: `true`
---@field upgrade? boolean goes from polling to WebSocket when the server offers it. Default: `true`
---@field remember_upgrade? boolean begins with WebSocket once an upgrade has worked. Default: `false`
---@field request_timeout? number seconds for a request that sends by polling. Default: 20
---@field multiplex? boolean shares one connection with the other namespaces of this script at the same server. Default: `true`
---@field parser? "json"|"msgpack" how packets are written; `msgpack` as npm's `socket.io-msgpack-parser`. Default: `"json"`
---@field retries? integer how often an event is sent again that the server has not acknowledged; events go one at a time then. Default: 0
---@field ack_timeout? number seconds to wait for an ack: of each call, and of each try with `retries`. Default: 10
---@field buffer? tidelock.SocketBuffer what may wait to be sent
---@field max_message? integer bytes of a message that comes in, decompressed. Default: 64 MiB
---@field max_tasks? integer handlers of this script that may be under way at once; further events wait. Default: 10000
---@field deflate? boolean|tidelock.Deflate compresses WebSocket messages. Default: `false`
---@field subprotocols? string|string[] the subprotocols to offer, a list or `"a, b"`; for a plain WebSocket
---@field frames? "text"|"binary"|"json" what `send` takes and the event `message` gives; for a plain WebSocket. Default: `"text"`
---@field heartbeat? tidelock.Heartbeat|boolean the pings of this side; `false`: none; for a plain WebSocket. Default: `true`

---Declares a connection. After a reload the same name and options mean the same connection, which
---stays open; functions among the options are replaced. Other times and limits are taken up by the
---open connection; another URL or the like opens a new one.
---@param name string letters, digits, `_`, `.` and `-`; once in a script
---@param options tidelock.SocketOptions where it leads and how it behaves
---@return tidelock.Socket socket the connection
function socket.connect(name, options) end

---Uses a connection that another script declares. What this script may do is up to the owner, by
---`share`: a function that is not shared raises.
---@param target string the script and the connection: `"script:name"`
---@return tidelock.Socket socket the connection; `pending` while no script has declared it
function socket.attach(target) end

---Binary data, to be sent as an attachment. It does not change. `#` and `tostring` give its length
---and its bytes, `==` compares the bytes.
---@class tidelock.Binary: userdata

---Marks the bytes of a string as binary data, which may stand anywhere in the arguments of an event.
---One event takes ten at most. Binary data that comes in is a plain string.
---@param bytes string the bytes
---@return tidelock.Binary binary the same bytes, marked
function socket.binary(bytes) end

---What a function that registers a handler returns.
---@class tidelock.Handler
local Handler = {}

---Removes the handler. A second call does nothing.
function Handler:off() end

---The options of functions that register a handler. Other names raise.
---@class tidelock.HandlerOptions
---@field serial? boolean the handler starts with the next event when it has ended for the last one. Default: `false`

---A connection.
---@class tidelock.Socket
---@field name string its name
---@field state tidelock.SocketState how it is
---@field connected boolean whether it is connected
---@field id? string the id that the server gave it, while it is connected
---@field transport? "websocket"|"polling" what carries it, while it is connected
---@field subprotocol? string the subprotocol that the server chose, while it is connected; of a plain WebSocket
---@field recovered boolean whether the server has sent all that was missed before the last reconnection
---@field volatile tidelock.VolatileSocket sends without the buffer
local Socket = {}

---Connects: after `auto_connect = false`, after `disconnect`, or after an end that is not retried.
---@return true? done when it will be tried
---@return tidelock.Error? err `NOT_CONNECTED`: no script declares the connection any more
function Socket:connect() end

---Closes the connection behind the events that were sent. Events that wait for a connection are
---dropped; calls end with `CLOSED`. It is not retried. Only a plain WebSocket has arguments.
---@param code? integer the close code: 1000, or 3000 to 4999. Default: 1000
---@param reason? string words for the server: UTF-8, at most 123 bytes. Default: none
---@return true? done when it is closed
---@return tidelock.Error? err `NOT_CONNECTED`: no script declares the connection any more
function Socket:disconnect(code, reason) end

---Calls a function for an event. Each call is a task of its own, with its own copy of the arguments.
---When the server asked for an ack, a function comes last: call it once with the answer. The events
---`connect`, `disconnect` (reason, info) and `connect_error` (error, info) are about the connection.
---A plain WebSocket has the event `message` (data, binary). A script that attached has the event
---`gap` (`{ lost = n }`) for events that it was too slow for.
---@param event string the name of the event
---@param fn function gets the arguments of the event; may wait
---@param options? tidelock.HandlerOptions how handlers follow each other
---@return tidelock.Handler handler removes the handler
function Socket:on(event, fn, options) end

---Calls a function for the next event of a name, once.
---@param event string the name of the event
---@param fn function gets the arguments of the event; may wait
---@param options? tidelock.HandlerOptions how handlers follow each other
---@return tidelock.Handler handler removes the handler
function Socket:once(event, fn, options) end

---Removes handlers of an event.
---@param event string the name of the event
---@param fn? function the handler to remove. Default: all of them
---@return integer count how many were removed
function Socket:off(event, fn) end

---Calls a function for every event of the server.
---@param fn fun(event: string, ...) may wait
---@param options? tidelock.HandlerOptions how handlers follow each other
---@return tidelock.Handler handler removes the handler
function Socket:on_any(fn, options) end

---Calls a function for every event of the server, before the handlers that there are.
---@param fn fun(event: string, ...) may wait
---@param options? tidelock.HandlerOptions how handlers follow each other
---@return tidelock.Handler handler removes the handler
function Socket:prepend_any(fn, options) end

---Removes handlers of every event.
---@param fn? function the handler to remove. Default: all of them
---@return integer count how many were removed
function Socket:off_any(fn) end

---Calls a function for every event that `emit` and `call` send, with the arguments as they were
---given.
---@param fn fun(event: string, ...) may wait
---@param options? tidelock.HandlerOptions how handlers follow each other
---@return tidelock.Handler handler removes the handler
function Socket:on_any_outgoing(fn, options) end

---Calls a function for every event that is sent, before the handlers that there are.
---@param fn fun(event: string, ...) may wait
---@param options? tidelock.HandlerOptions how handlers follow each other
---@return tidelock.Handler handler removes the handler
function Socket:prepend_any_outgoing(fn, options) end

---Removes handlers of events that are sent.
---@param fn? function the handler to remove. Default: all of them
---@return integer count how many were removed
function Socket:off_any_outgoing(fn) end

---Calls a function at every change of state.
---@param fn fun(state: tidelock.SocketState, info: tidelock.SocketInfo) may wait
---@param options? tidelock.HandlerOptions how handlers follow each other
---@return tidelock.Handler handler removes the handler
function Socket:on_state(fn, options) end

---Calls a function for each event that waited for a connection and is not sent. Calls get an error
---instead.
---@param fn fun(event: string, why: "expired"|"cleared"|"closed"|"too large") may wait
---@param options? tidelock.HandlerOptions how handlers follow each other
---@return tidelock.Handler handler removes the handler
function Socket:on_drop(fn, options) end

---Drops the events that wait for a connection. Calls end with `ABORTED`.
---@return integer count how many were dropped
function Socket:clear() end

---Counts of a connection, since it was made.
---@class tidelock.SocketStats
---@field connects integer how often it was connected
---@field dropped integer events that waited and were not sent
---@field late_acks integer acks that no call waits for: late, or sent twice
---@field buffered integer bytes that wait now
---@field lost integer events that this script, which attached, was too slow for

---Returns counts of the connection.
---@return tidelock.SocketStats stats the counts
function Socket:stats() end

---Sends an event. Without a connection it waits in the buffer. Arguments that JSON cannot hold
---raise.
---@param event string the name of the event
---@param ... any plain values and binary data; `nil` and `json.null` arrive as null
---@return true? done when it is sent or waits
---@return tidelock.Error? err `BUFFER_FULL`: too much waits; `BACKPRESSURE`: the server takes less than it is sent; `TOO_LARGE`: larger than the server takes; `NOT_CONNECTED`: the connection is closed
function Socket:emit(event, ...) end

---Sends an event and waits for the ack of the server, `ack_timeout` seconds.
---@param event string the name of the event
---@param ... any plain values and binary data; all of them are sent
---@return any ... the arguments of the ack, `true` when it has none; or `nil` and an error with `sent`: `TIMEOUT`, `CLOSED`, `EXPIRED`, `ABORTED`, `NOT_CONNECTED` or as `emit`
function Socket:call(event, ...) end

---Sets the time for calls: `chat:timeout(0.3):call("event", ...)`.
---@param seconds number above 0; `math.huge`: no limit
---@return tidelock.TimedSocket timed may be kept
function Socket:timeout(seconds) end

---Waits until the connection is connected.
---@param seconds? number 0 or more. Default: the time of one attempt, `timeout`
---@return true? done when it is connected
---@return tidelock.Error? err `TIMEOUT`; `REJECTED`: the server refuses, with its `data`; `CLOSED`: it is not tried again
function Socket:wait(seconds) end

---The options of `send`. Other names raise.
---@class tidelock.SendOptions
---@field binary? boolean sends a binary message. Default: `true` with `frames = "binary"`, else `false`

---Sends a message over a plain WebSocket.
---@param data any a string; any plain value with `frames = "json"`
---@param options? tidelock.SendOptions the kind of the message
---@return true? done when it is sent or waits
---@return tidelock.Error? err as `emit`
function Socket:send(data, options) end

---Sends a ping over a plain WebSocket and waits for the pong.
---@param timeout? number seconds to wait. Default: 10
---@return number? seconds how long the pong took
---@return tidelock.Error? err `TIMEOUT`, `CLOSED`, `NOT_CONNECTED`
function Socket:ping(timeout) end

---Calls with a time of their own, which `socket:timeout` makes.
---@class tidelock.TimedSocket
local Timed = {}

---Sends an event and waits for the ack of the server.
---@param event string the name of the event
---@param ... any plain values and binary data
---@return any ... as `socket:call`
function Timed:call(event, ...) end

---Sends without the buffer: what cannot be sent now is dropped.
---@class tidelock.VolatileSocket
local Volatile = {}

---Sends an event, or drops it.
---@param event string the name of the event
---@param ... any plain values and binary data
---@return true? done when it is sent or dropped
---@return tidelock.Error? err as `socket:emit`
function Volatile:emit(event, ...) end

---Sends a message over a plain WebSocket, or drops it.
---@param data any a string; any plain value with `frames = "json"`
---@param options? tidelock.SendOptions the kind of the message
---@return true? done when it is sent or dropped
---@return tidelock.Error? err as `socket:emit`
function Volatile:send(data, options) end

return socket
