---@meta tidelock.socket

---Keeps connections open: Socket.IO (version 5, over Engine.IO 4) and plain WebSocket (RFC 6455).
---A connection that breaks is made again. It stays open over reloads. Events that are sent while
---there is no connection wait in a buffer. See docs/socket.md.
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

---The state of a connection.
---@alias tidelock.SocketState
---| "connecting" # the first attempt since `connect`
---| "connected" # the server has accepted the namespace, or the WebSocket; events flow
---| "reconnecting" # it broke or could not be made; another attempt runs or will follow
---| "closed" # it has ended, and no attempt will follow; or `connect` was never called
---| "pending" # the script attached to a connection that no script has declared yet

---Describes a change of state.
---@class tidelock.SocketInfo
---@field reason? string `io server disconnect`, `io client disconnect`, `ping timeout`, `transport close`, `transport error`, `parse error`, `connect error` or `rejected`
---@field code? integer the close code of the WebSocket (RFC 6455, 7.4)
---@field close_reason? string the reason that the server sent with its close code
---@field detail? string what happened, for developers
---@field error? tidelock.Error the error that caused the change
---@field data? any the data that the server sent when it refused the namespace
---@field will_retry boolean whether another attempt will follow
---@field retry_in? number seconds until that attempt
---@field message? string after a failure: the connection, its URL without secrets, the reason, and what follows
---@field recovered boolean with `connected`: `true` if no event was missed; `false` after a reconnection: events may be missing
---@field attempt integer the number of attempts that have failed in a row

---When to connect again after a connection broke or could not be made. Other names raise.
---@class tidelock.Reconnect
---@field delay? number seconds before the first retry; the delay doubles each time. Default: 1
---@field max_delay? number the longest delay in seconds. Default: 5
---@field attempts? number the most retries in a row; `math.huge`: no limit. Default: `math.huge`
---@field jitter? number the share of the delay that is random, 0 to 1. Default: 0.5

---The heartbeat of a plain WebSocket. Other names raise.
---@class tidelock.Heartbeat
---@field interval? number seconds from one ping to the next. Default: 25
---@field timeout? number seconds after a ping in which something has to arrive; else the connection is lost. Default: 20

---Limits of the events that wait to be sent. Other names raise.
---@class tidelock.SocketBuffer
---@field count? integer events that may wait for a connection. Default: 1000
---@field bytes? integer bytes that may wait for a connection. Default: 1 MiB
---@field age? number seconds that an event may wait for a connection. Default: 60
---@field unsent? integer bytes that may be on their way while connected; then `emit` returns `BACKPRESSURE`. Default: 16 MiB

---Compression of WebSocket messages: permessage-deflate (RFC 7692). Other names raise.
---@class tidelock.Deflate
---@field client_no_context_takeover? boolean compresses each message without the ones before it. Default: `false`
---@field server_no_context_takeover? boolean asks the server to do so. Default: `false`
---@field client_max_window_bits? integer the window of outgoing messages: 2 to the power of 9 to 15 bytes. Default: 15
---@field server_max_window_bits? integer the window that the server is asked to use, 9 to 15. Default: 15
---@field level? integer 1 (fast) to 9 (small). Default: that of zlib
---@field threshold? integer messages of fewer bytes are not compressed. Default: 1024

---The options of `socket.connect`. Other names raise.
---@class tidelock.SocketOptions: tidelock.Route
---@field url string `ws`, `wss`, `http`, `https` or `unix:PATH[:TARGET]`
---@field protocol? "socket.io"|"websocket" what the server speaks. Default: `"socket.io"`
---@field namespace? string the namespace; begins with `/`. Default: the path of the URL, else `"/"`
---@field path? string where the server speaks Engine.IO. Default: `"/socket.io/"`
---@field add_trailing_slash? boolean appends `/` to `path` if it does not end with one. Default: `true`
---@field query? table<string, string|number>|string is added to the URL of every request; a string has to be encoded already
---@field headers? table<string, string|number> are sent with every request of the connection
---@field auth? table|userdata|fun(): table?, tidelock.Error? the auth of a session, or the credentials that are sent to the server; a function is called at every attempt and may wait; if it returns `nil` and an error, the attempt fails
---@field auto_connect? boolean connects when the script has loaded; `false`: when the script calls `socket:connect`. Default: `true`
---@field share? "none"|"hear"|"send"|"control" which functions other scripts may call. Default: `"send"`
---@field timeout? number seconds for one attempt. Default: 20
---@field reconnect? tidelock.Reconnect|boolean when to connect again; `false`: never. Default: `true`
---@field transports? ("websocket"|"polling")[] the transports, in the order in which they are tried. Default: `{ "websocket", "polling" }`
---@field try_all_transports? boolean tries the next transport if one fails. Default: `true`
---@field upgrade? boolean changes from polling to WebSocket if the server offers it. Default: `true`
---@field remember_upgrade? boolean begins later attempts with WebSocket after an upgrade has worked. Default: `false`
---@field request_timeout? number seconds for a polling request that sends. Default: 20
---@field multiplex? boolean shares one connection with the other namespaces of that server in this script. Default: `true`
---@field parser? "json"|"msgpack" the encoding of packets; `msgpack` is compatible with npm's `socket.io-msgpack-parser`. Default: `"json"`
---@field retries? integer how often an event is sent again until the server has acknowledged it; above 0, events are sent one at a time. Default: 0
---@field ack_timeout? number seconds to wait for an ack: of each call, and of each try with `retries`. Default: 10
---@field buffer? tidelock.SocketBuffer limits of the events that wait to be sent
---@field max_message? integer bytes of an incoming message, decompressed. Default: 64 MiB
---@field max_tasks? integer handlers of this script that may run at once; further events wait. Default: 10000
---@field deflate? boolean|tidelock.Deflate compresses WebSocket messages. Default: `false`
---@field subprotocols? string|string[] plain WebSocket: the subprotocols to offer, a list or `"a, b"`
---@field frames? "text"|"binary"|"json" plain WebSocket: the kind of message that `send` sends; with `json`, `send` and the event `message` use plain values. Default: `"text"`
---@field heartbeat? tidelock.Heartbeat|boolean plain WebSocket: the pings that Tidelock sends; `false`: none. Default: `true`

---Declares a connection. If a reload declares the same name with the same options, the connection
---stays open; functions among the options are replaced. If only times or limits have changed, the
---open connection uses the new ones. If the URL or another option has changed, a new connection
---replaces the open one.
---@param name string letters, digits, `_`, `.` and `-`; once in a script
---@param options tidelock.SocketOptions the URL, and how the connection behaves
---@return tidelock.Socket socket the connection
function socket.connect(name, options) end

---Uses a connection that another script declares. The owner decides by `share` which functions this
---script may call; the others raise.
---@param target string the script and the connection: `"script:name"`
---@return tidelock.Socket socket the connection; `pending` while no script has declared it
function socket.attach(target) end

---Binary data, which is sent as an attachment. It is immutable. `#` gives its length, `tostring` its
---bytes, and `==` compares the bytes.
---@class tidelock.Binary: userdata

---Makes binary data of a string. Binary data may stand anywhere in the arguments of an event, at most
---ten times in one event. Incoming binary data is a plain string.
---@param bytes string the bytes
---@return tidelock.Binary binary the binary data
function socket.binary(bytes) end

---What a function that registers a handler returns.
---@class tidelock.Handler
local Handler = {}

---Removes the handler. A second call does nothing.
function Handler:off() end

---The options of functions that register a handler. Other names raise.
---@class tidelock.HandlerOptions
---@field serial? boolean the handler is called for the next event only when its last call has ended. Default: `false`

---A connection.
---@class tidelock.Socket
---@field name string its name
---@field state tidelock.SocketState its state
---@field connected boolean whether it is connected
---@field id? string the id that the server gave it, while it is connected
---@field transport? "websocket"|"polling" the transport in use, while it is connected
---@field subprotocol? string plain WebSocket: the subprotocol that the server chose, while it is connected
---@field recovered boolean whether the server has sent all events that were missed before the last reconnection
---@field volatile tidelock.VolatileSocket sends now or not at all
local Socket = {}

---Connects. Needed with `auto_connect = false`, after `disconnect`, and after a state `closed`.
---@return true? done when an attempt will follow
---@return tidelock.Error? err `NOT_CONNECTED`: no script declares the connection any more
function Socket:connect() end

---Closes the connection, after all events that were sent. Events that wait for a connection are
---dropped; calls end with `CLOSED`. No attempt follows. The arguments are for a plain WebSocket only.
---@param code? integer the close code: 1000, or 3000 to 4999. Default: 1000
---@param reason? string a reason for the server: UTF-8, at most 123 bytes. Default: none
---@return true? done when it is closed
---@return tidelock.Error? err `NOT_CONNECTED`: no script declares the connection any more
function Socket:disconnect(code, reason) end

---Calls a function for each event of a name. Each call runs in a task of its own, with its own copy
---of the arguments. If the server asked for an ack, the last argument is a function: call it once, with
---the answer. The events `connect`, `disconnect` (reason, info) and `connect_error` (error, info) are
---about the connection itself. A plain WebSocket has the event `message` (data, binary). A script that
---attached has the event `gap` (`{ lost = n }`): n events were dropped, because its handlers were too
---slow.
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

---Calls a function for every event of the server, before the handlers that are registered already.
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

---Calls a function for every event that is sent, before the handlers that are registered already.
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

---Calls a function for each event that will not be sent, with the reason. A call (`socket:call`)
---returns an error instead.
---@param fn fun(event: string, why: "expired"|"cleared"|"closed"|"too large") may wait
---@param options? tidelock.HandlerOptions how handlers follow each other
---@return tidelock.Handler handler removes the handler
function Socket:on_drop(fn, options) end

---Drops the events that wait for a connection. Calls end with `ABORTED`.
---@return integer count how many were dropped
function Socket:clear() end

---Counters of a connection, since it was declared.
---@class tidelock.SocketStats
---@field connects integer how often it was connected
---@field dropped integer events that waited and were not sent
---@field late_acks integer acks for which no call waited: late, or sent twice
---@field buffered integer bytes that wait now
---@field lost integer of a script that attached: events that were dropped because its handlers were too slow

---Returns the counters of the connection.
---@return tidelock.SocketStats stats the counters
function Socket:stats() end

---Sends an event. Without a connection it waits in the buffer. Arguments that JSON cannot hold
---raise.
---@param event string the name of the event
---@param ... any plain values and binary data; `nil` and `json.null` arrive as null
---@return true? done when it is sent or waits
---@return tidelock.Error? err `BUFFER_FULL`: the buffer is full; `BACKPRESSURE`: the script sends faster than the server reads; `TOO_LARGE`: larger than the server accepts; `NOT_CONNECTED`: the connection is closed
function Socket:emit(event, ...) end

---Sends an event and waits for the ack of the server, `ack_timeout` seconds.
---@param event string the name of the event
---@param ... any plain values and binary data; all of them are sent
---@return any ... the arguments of the ack, `true` when it has none; or `nil` and an error with `sent`: `TIMEOUT`, `CLOSED`, `EXPIRED`, `ABORTED`, `NOT_CONNECTED` or as `emit`
function Socket:call(event, ...) end

---Sets the time for calls: `chat:timeout(0.3):call("event", ...)`.
---@param seconds number above 0; `math.huge`: no limit
---@return tidelock.TimedSocket timed may be used for any number of calls
function Socket:timeout(seconds) end

---Waits until the connection is connected.
---@param seconds? number 0 or more; `math.huge`: no limit. Default: the time of one attempt, `timeout`
---@return true? done when it is connected
---@return tidelock.Error? err `TIMEOUT`; `REJECTED`: the server has refused the namespace, with its `data`; `CLOSED`: no attempt will follow
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

---The result of `socket:timeout`: calls that wait for another time than `ack_timeout`.
---@class tidelock.TimedSocket
local Timed = {}

---Sends an event and waits for the ack of the server.
---@param event string the name of the event
---@param ... any plain values and binary data
---@return any ... as `socket:call`
function Timed:call(event, ...) end

---Sends without the buffer: an event that cannot be sent now is dropped.
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
