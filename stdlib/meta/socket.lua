---@meta tidelock.socket

---Connections that last: Socket.IO (v5 over Engine.IO v4) and plain WebSocket. See docs/socket.md.
---@class tidelock.socketlib
local socket = {}

---@alias tidelock.SocketState
---| "connecting"   # the first attempt since connect
---| "connected"    # the namespace is joined; events flow
---| "reconnecting" # was or could not be connected; waits or tries again
---| "closed"       # ended and will not be retried, or never connected
---| "pending"      # attached to what no script has declared yet

---@class tidelock.SocketInfo
---@field reason? string "io server disconnect", "io client disconnect", "ping timeout", "transport close", "transport error", "parse error", "connect error", "rejected"
---@field code? integer WebSocket close code (RFC 6455, 7.4)
---@field close_reason? string what the server said with its close code
---@field detail? string what happened, for developers
---@field error? tidelock.Error
---@field data? any what the server sent with a refusal
---@field will_retry boolean
---@field retry_in? number seconds
---@field message? string of a failure: the connection's name, the URL without secrets, why, and what comes next
---@field recovered boolean at "connected": nothing was missed; false after a reconnection: a gap
---@field attempt integer failed attempts in a row

---@class tidelock.Reconnect
---@field delay? number seconds before the first retry; 1
---@field max_delay? number cap of the doubling delay, in seconds; 5
---@field attempts? number in a row; math.huge
---@field jitter? number 0 to 1: the share of the capped delay that is random; 0.5

---@class tidelock.Heartbeat of a plain WebSocket
---@field interval? number seconds from ping to ping; 25
---@field timeout? number seconds after a ping without a sign of life; 20

---@class tidelock.SocketBuffer what waits while there is no connection
---@field count? integer packets; 1000
---@field bytes? integer 1 MiB
---@field age? number seconds after which a waiting packet is dropped; 60
---@field unsent? integer bytes that may be on their way while connected; more is BACKPRESSURE; 16 MiB

---@class tidelock.Deflate permessage-deflate (RFC 7692)
---@field client_no_context_takeover? boolean
---@field server_no_context_takeover? boolean
---@field client_max_window_bits? integer 9 to 15
---@field server_max_window_bits? integer 9 to 15
---@field level? integer 1 to 9
---@field threshold? integer bytes; shorter messages go out as they are; 1024

---@class tidelock.SocketOptions: tidelock.Route
---@field url string ws, wss, http or https; its path is the namespace where none is given
---@field path? string "/socket.io/"
---@field namespace? string "/"
---@field auth? table|fun(): table?, tidelock.Error? asked at every connect; may wait
---@field protocol? "socket.io"|"websocket"
---@field transports? ("websocket"|"polling")[] in the order in which they are tried; { "websocket", "polling" }
---@field try_all_transports? boolean go on with the next where the first is not to be had; true
---@field parser? "json"|"msgpack" how packets are written; msgpack is that of npm's socket.io-msgpack-parser; "json"
---@field multiplex? boolean share one connection with this script's other namespaces of the same server and options; true
---@field upgrade? boolean from polling to WebSocket, when the server offers it; true
---@field remember_upgrade? boolean begin with WebSocket once an upgrade has worked; false
---@field add_trailing_slash? boolean make `path` end with one; true
---@field request_timeout? number seconds for what is sent by polling; 20
---@field deflate? boolean|tidelock.Deflate compress what goes over WebSocket; false
---@field auto_connect? boolean true
---@field share? "none"|"hear"|"send"|"control" what other scripts may do with it; "send"
---@field reconnect? tidelock.Reconnect|false
---@field heartbeat? tidelock.Heartbeat|false plain WebSocket only: with socket.io the server sets it
---@field timeout? number seconds for one attempt, until connected; 20
---@field buffer? tidelock.SocketBuffer
---@field retries? integer how often what the server has not acknowledged is sent again, in order, one at a time; 0: all is sent once
---@field max_tasks? integer handlers of the owner's that may be under way at once; further events wait; 10000
---@field ack_timeout? number seconds to wait for an ack: of each call that names no time, and of each try with retries; 10
---@field query? table<string, string|number>|string
---@field headers? table<string, string>
---@field subprotocols? string|string[] "a, b", or a list; plain WebSocket only
---@field frames? "text"|"binary"|"json" plain WebSocket: what send takes and "message" gives; "text"
---@field max_message? integer bytes; 64 MiB

---Declares a connection. On a reload the same name and options mean the same connection, which
---stays open; functions among the options are replaced in place.
---@param name string letters, digits, _ . -
---@param options tidelock.SocketOptions
---@return tidelock.Socket
function socket.connect(name, options) end

---Uses a connection that another script declared. Pending until that exists; what it may do is the owner's to say (`share`).
---@param target string "script:name"
---@return tidelock.Socket
function socket.attach(target) end

---@class tidelock.Binary: userdata immutable; # and tostring give length and bytes, == compares them

---Marks a string's bytes as binary data: an attachment, not text, anywhere in the arguments.
---What comes in is a plain string.
---@param bytes string
---@return tidelock.Binary
function socket.binary(bytes) end

---@class tidelock.Handler
local handler = {}

---Removes the handler; harmless when it is removed already.
function handler:off() end

---@class tidelock.HandlerOptions
---@field serial? boolean start with the next event only when the last one has been handled

---@class tidelock.Socket
---@field name string
---@field state tidelock.SocketState
---@field connected boolean
---@field id? string the server's id for this connection, while connected
---@field transport? "websocket"|"polling" what carries it now, while connected
---@field subprotocol? string plain WebSocket: the one that the server chose, while connected
---@field recovered boolean
---@field volatile tidelock.VolatileSocket drops what cannot be sent now
local Socket = {}

---@class tidelock.VolatileSocket
local Volatile = {}

---Connects, after auto_connect = false, disconnect, or an end that is not retried.
---@return true?, tidelock.Error?
function Socket:connect() end

---Says goodbye behind what was emitted, and closes; what waits for a connection is dropped, calls
---end with CLOSED. Not retried.
---A plain WebSocket may tell the server why; on socket.io there are no arguments.
---@param code? integer 1000, or 3000 to 4999; 1000
---@param reason? string UTF-8 of at most 123 bytes
---@return true?, tidelock.Error?
function Socket:disconnect(code, reason) end

---Handles an event. Each handler runs in a task of its own, with its own copy of the arguments; if
---the server asked for an ack, a function comes last: call it once with the answer. "connect",
---"disconnect" (reason, info) and "connect_error" (error, info) tell of the connection itself.
---On a plain WebSocket there is "message" (data, binary). A script that attached hears of events that it was too slow
---for: "gap" ({ lost = n }).
---@param event string
---@param fn function
---@param options? tidelock.HandlerOptions
---@return tidelock.Handler
function Socket:on(event, fn, options) end

---Like on, for one event.
---@param event string
---@param fn function
---@param options? tidelock.HandlerOptions
---@return tidelock.Handler
function Socket:once(event, fn, options) end

---Removes the handlers of an event, or the one given.
---@param event string
---@param fn? function
---@return integer how many were removed
function Socket:off(event, fn) end

---Handles every event of the server's; the name comes first.
---@param fn fun(event: string, ...)
---@param options? tidelock.HandlerOptions
---@return tidelock.Handler
function Socket:on_any(fn, options) end

---The same, before those that are there.
---@param fn fun(event: string, ...)
---@param options? tidelock.HandlerOptions
---@return tidelock.Handler
function Socket:prepend_any(fn, options) end

---Removes the handlers of every event, or the one given.
---@param fn? function
---@return integer how many were removed
function Socket:off_any(fn) end

---Hears every event that is sent by emit and call, with the arguments as they were given: binary data as
---socket.binary makes it.
---@param fn fun(event: string, ...)
---@param options? tidelock.HandlerOptions
---@return tidelock.Handler
function Socket:on_any_outgoing(fn, options) end

---The same, before those that are there.
---@param fn fun(event: string, ...)
---@param options? tidelock.HandlerOptions
---@return tidelock.Handler
function Socket:prepend_any_outgoing(fn, options) end

---Removes those who hear what is sent, or the one given.
---@param fn? function
---@return integer how many were removed
function Socket:off_any_outgoing(fn) end

---@param fn fun(state: tidelock.SocketState, info: tidelock.SocketInfo)
---@param options? tidelock.HandlerOptions
---@return tidelock.Handler
function Socket:on_state(fn, options) end

---Hears of each event that waited for a connection and is not sent. Calls get an error instead.
---@param fn fun(event: string, why: "expired"|"cleared"|"closed"|"too large")
---@param options? tidelock.HandlerOptions
---@return tidelock.Handler
function Socket:on_drop(fn, options) end

---Drops what waits for a connection; calls end with ABORTED.
---@return integer how many
function Socket:clear() end

---@class tidelock.SocketStats
---@field connects integer times that it was connected
---@field dropped integer events that waited and were not sent
---@field late_acks integer acks of no call that waits: late, or doubled
---@field buffered integer bytes that wait now
---@field lost integer events that this script, which attached, was too slow for

---Counted since the connection was made.
---@return tidelock.SocketStats
function Socket:stats() end

---Sends an event. While there is no connection it waits in the buffer.
---@param event string
---@param ... any plain values; nil and json.null arrive as null
---@return true?, tidelock.Error? # BUFFER_FULL, BACKPRESSURE, TOO_LARGE (the server's maxPayload), NOT_CONNECTED
function Socket:emit(event, ...) end

---Sends an event and waits for the server's ack, `ack_timeout` seconds (with `retries`: as long as they take). All arguments are payload.
---@param event string
---@param ... any
---@return any ... the ack's arguments (true when it has none), or nil and an error: TIMEOUT, CLOSED, EXPIRED, each with `sent`
function Socket:call(event, ...) end

---For calls that wait another time: chat:timeout(0.3):call("event", ...). May be kept.
---@param seconds number positive; math.huge: for ever
---@return tidelock.TimedSocket
function Socket:timeout(seconds) end

---Waits until it is connected, at once if it is.
---@param seconds? number 0 or more; as long as an attempt may take (`timeout`, 20)
---@return true?, tidelock.Error? # TIMEOUT, REJECTED (with the server's `data`), CLOSED
function Socket:wait(seconds) end

---@class tidelock.TimedSocket
local Timed = {}

---@param event string
---@param ... any
---@return any ... as of Socket:call
function Timed:call(event, ...) end

---Plain WebSocket: sends one message.
---@param data string|any a value with frames = "json"
---@param options? { binary?: boolean }
---@return true?, tidelock.Error?
function Socket:send(data, options) end

---Plain WebSocket: sends a ping and waits for its pong.
---@param timeout? number seconds; 10
---@return number? seconds, tidelock.Error? # TIMEOUT, CLOSED, NOT_CONNECTED
function Socket:ping(timeout) end

---@param event string
---@param ... any
---@return true?, tidelock.Error?
function Volatile:emit(event, ...) end

---@param data string|any
---@param options? { binary?: boolean }
---@return true?, tidelock.Error?
function Volatile:send(data, options) end

return socket
