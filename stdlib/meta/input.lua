---@meta tidelock.input

---Standard input, line by line, from a terminal, a pipe, a file or a device. It belongs to
---the script that is named first; another may read it while that one does not. Else its load fails with BUSY. Nothing is read before
---that script is live, and no more than its handlers can take. Over a reload the new version's
---handlers go on where the old one's stopped: no line is lost or comes twice. The process lives
---until the end of input has been told.
---@class tidelock.input
local input = {}

---@class tidelock.input.options
---@field serial? boolean the next line waits until the handler has ended for this one; true

---Hears each line, without its `\n` or `\r\n`; the last one also when nothing ends it. The bytes
---come as they are: they need not be UTF-8. A line of more than 1 MiB is logged and passed over.
---@param fn fun(line: string) may wait
---@param options? tidelock.input.options
---@return {off: fun(self)}? handle
---@return tidelock.Error? err BUSY, where it is called after loading and another script has the input
function input.on_line(fn, options) end

---Hears once that the input has ended, after the handlers of all lines have ended.
---@param fn fun() may wait
---@return {off: fun(self)}? handle
---@return tidelock.Error? err BUSY, as for on_line
function input.on_end(fn) end

return input
