---@meta tidelock.random

---Makes bytes that nobody can guess, from the operating system: for tokens and ids.
---`math.random` is for games; its numbers can be guessed.
---
---```lua
---local random = require "tidelock.random"
---
---print(#random.bytes(16), #random.hex(16), #random.uuid())
---```
---```text
---16	32	36
---```
---@class tidelock.random
local random = {}

---Returns random bytes.
---@param count integer the number of bytes, 1 to 1024; other numbers raise
---@return string bytes a string of `count` bytes
function random.bytes(count) end

---Returns random bytes as hexadecimal digits, two lower-case digits for each byte.
---@param count integer the number of bytes, 1 to 1024; other numbers raise
---@return string digits a string of `2 * count` digits
function random.hex(count) end

---Returns a random UUID, version 4 (RFC 9562).
---@return string uuid 36 characters, in lower case
function random.uuid() end

return random
