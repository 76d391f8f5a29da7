---@meta tidelock.random

---Bytes that nobody can guess, from the system: for tokens and ids.
---@class tidelock.random
local random = {}

---@param count integer 1 to 1024
---@return string bytes
function random.bytes(count) end

---@param count integer of bytes, 1 to 1024; two digits stand for each
---@return string digits
function random.hex(count) end

---A random UUID (RFC 4122, version 4): 36 characters.
---@return string
function random.uuid() end

return random
