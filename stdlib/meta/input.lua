---@meta tidelock.input

---Reads standard input line by line: from a terminal, a pipe, a file or a device.
---One script has the input: the one that is named first, or another one while the first does not
---read. Reading starts when that script is loaded, and stops while its handlers are busy. Over a
---reload the handlers of the new generation go on where the old ones stopped: no line is lost, and
---none comes twice. The process lives until the handlers of the end of input have ended.
---
---```lua
---local input = require "tidelock.input"
---
---input.on_line(function(line) print("you typed " .. line) end)
---input.on_end(function() print "bye" end)
---```
---With the line `Ada` on standard input it prints:
---```text
---you typed Ada
---bye
---```
---@class tidelock.input
local input = {}

---The options of `input.on_line`. Other names raise.
---@class tidelock.input.options
---@field serial? boolean the next line waits until the handler of this one has ended; otherwise up to 64 handlers run at once. Default: `true`

---Calls a function for each line, without its `\n` or `\r\n`, also for a last line without one. The
---bytes come as they are and need not be UTF-8. A line of more than 1 MiB is logged and skipped.
---At the top level of a script an input that another script has fails the load, with `BUSY`.
---@param fn fun(line: string) runs in a task of its own; may wait
---@param options? tidelock.input.options how lines are handed out
---@return tidelock.Handler? handler removes the handler
---@return tidelock.Error? err `BUSY`: another script has the input
function input.on_line(fn, options) end

---Calls a function once when the input has ended and the handlers of all lines have ended.
---@param fn fun() runs in a task of its own; may wait
---@return tidelock.Handler? handler removes the handler
---@return tidelock.Error? err `BUSY`: another script has the input
function input.on_end(fn) end

return input
