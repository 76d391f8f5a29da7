---@meta tidelock.errors

---Makes errors and looks at them.
---A function that can fail in the normal course of things returns `nil` and an error. A mistake in
---the script, like an argument of the wrong type, raises instead. See docs/errors.md.
---
---```lua
---local errors = require "tidelock.errors"
---
---local cause = errors.new { code = "TIMEOUT", message = "no answer in 5 s", phase = "connect" }
---local err = errors.wrap(cause, "NO_LIST", "the projects cannot be listed")
---print(err)
---print(errors.is(err, "NO_LIST"), err.cause.recoverable)
---```
---```text
---NO_LIST: the projects cannot be listed <- TIMEOUT: no answer in 5 s (phase: connect)
---true	true
---```
---@class tidelock.errors
---@field codes table<tidelock.ErrorCode, tidelock.ErrorMeaning> the codes that Tidelock gives
local errors = {}

---The codes that Tidelock gives. A script may make errors with codes of its own.
---@alias tidelock.ErrorCode
---| "CANCELLED" # the task that waited was cancelled, or its script went away
---| "RELOADED" # a newer generation of the script has replaced this one, whose grace is over
---| "INVALID" # a value does not have the shape that was asked for
---| "NOT_CONNECTED" # there is no connection, and none was waited for
---| "BUFFER_FULL" # too much is waiting to be sent
---| "BACKPRESSURE" # the other side takes less than it is sent: wait, and send again
---| "EXPIRED" # it waited to be sent for longer than it may
---| "TIMEOUT" # no answer in time; `phase` says to what
---| "DNS" # the name of the host could not be resolved
---| "CONNECT" # no connection to the host: refused or unreachable
---| "PROXY" # the proxy could not be reached, or refused
---| "TLS" # the secure connection could not be made: certificate, name or protocol
---| "RESET" # the connection broke while it was in use
---| "ABORTED" # this side gave the operation up
---| "HTTP" # the server answered with a status that was not expected
---| "HANDSHAKE" # the server did not agree to the protocol that was asked for
---| "PROTOCOL" # the other side broke the rules of the protocol
---| "REJECTED" # the server refused: its message says why
---| "DENIED" # the operator has not allowed it: the message has the option
---| "CLOSED" # the connection was closed
---| "DECODE" # text or a value could not be decoded or encoded
---| "TOO_LARGE" # larger than the limit allows
---| "URL" # the URL cannot be used
---| "NOT_FOUND" # there is nothing of that name
---| "BUSY" # something else has it: a port, a name, an input
---| "IO" # the system refused to read or write
---| "CPU_LIMIT" # the code ran for too long without waiting
---| "MEMORY" # the script used more memory than it may
---| "SCRIPT" # a script failed: the message carries its traceback
---| "UNAVAILABLE" # too many calls to this server have failed: none is made
---| "UNSUPPORTED" # known, but not to be had here
---| "TEST_CLOCK" # a test's clock stands: connections lead to fake servers only
---| "INTERNAL" # a defect of Tidelock itself: please report it

---How bad an error is.
---@alias tidelock.Severity
---| "low" # expected: a cancelled task, a replaced generation
---| "medium" # one operation failed
---| "high" # a connection, a script or the system failed
---| "critical" # a defect of Tidelock

---Whether a request has reached the server.
---@alias tidelock.Sent
---| "no" # it has not; sending it again is safe
---| "yes" # it has
---| "unknown" # it may have

---What a code means.
---@class tidelock.ErrorMeaning
---@field meaning string what happened, in a sentence
---@field severity tidelock.Severity how bad it is
---@field recoverable boolean whether trying again later may help

---What a function returns beside `nil` when it fails. `tostring(err)` reads
---`CODE: message (phase: ...) <- CODE: cause`.
---@class tidelock.Error
---@field code tidelock.ErrorCode|string one of `errors.codes`, or a code of a script
---@field message string what happened, where, and what to do; for developers
---@field detail? any the words of a library or of the server
---@field severity tidelock.Severity how bad it is
---@field recoverable boolean whether trying again later may help
---@field retry_after? number seconds to wait before the next try, when the server names a time
---@field phase? string with the code `TIMEOUT`: what took too long: `dns`, `connect`, `tls`, `response`, `ack` and the like
---@field sent? tidelock.Sent whether the request has reached the server
---@field cause? tidelock.Error|string the error that caused this one
---@field data? any a value that the maker of the error added
---@field time number when it was made, in seconds since 1970

---The fields that `errors.new` takes. Other names raise.
---@class tidelock.errors.new
---@field code string capital letters, digits and `_`, beginning with a letter
---@field message? string what happened. Default: the meaning of the code; for a code of your own the code
---@field detail? any the words of a library or of the server
---@field severity? tidelock.Severity how bad it is. Default: as in `errors.codes`; for a code of your own `"medium"`
---@field recoverable? boolean whether trying again later may help. Default: as in `errors.codes`; for a code of your own `false`
---@field retry_after? number seconds to wait before the next try
---@field phase? string what took too long
---@field sent? tidelock.Sent whether the request has reached the server
---@field cause? any the error that caused this one
---@field data? any a value of your own

---Makes an error.
---@param fields tidelock.errors.new what it says; the table is copied
---@return tidelock.Error err the new error
function errors.new(fields) end

---Makes an error that another one caused.
---@param cause tidelock.Error|string the error that caused it
---@param code string the code of the new error
---@param message? string what happened. Default: the meaning of the code
---@return tidelock.Error err the new error, with `cause` in it
function errors.wrap(cause, code, message) end

---Says whether a value is an error, and has a code.
---@param value any the value to look at
---@param code? string the code that it must have. Default: any
---@return boolean is whether it is such an error
function errors.is(value, code) end

return errors
