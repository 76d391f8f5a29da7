---@meta tidelock.json

---JSON text to Lua values and back (RFC 8259). Integers are exact: up to 2^53 when decoded,
---up to 2^63 when encoded.
---@class tidelock.json
---@field null lightuserdata what JSON's null is in arrays and as a whole value; in objects null means an absent key
local json = {}

---@class tidelock.json.options
---@field pretty? boolean lay the text out over lines

---Encodes a value. Arrays have the keys 1..n without holes, objects have string keys, strings
---are UTF-8; an empty table without a mark is `{}`. Tables are read raw.
---@param value any
---@param options? tidelock.json.options
---@return string? text
---@return tidelock.Error? err DECODE, with the way to what cannot be encoded: `payload.items[3].name`;
---TOO_LARGE when it would take more than 128 MiB
function json.encode(value, options) end

---Decodes a text. Arrays and empty objects carry their mark, so that they encode as they were;
---a lone surrogate becomes U+FFFD; of a key that comes twice the last value counts.
---@param text string
---@return any value
---@return tidelock.Error? err DECODE, with the byte and what stands there; or TOO_LARGE
function json.decode(text) end

---Marks a table as an array, which it stays when empty, and returns it.
---@generic T: table
---@param t? T a new table when not given; without a metatable of its own
---@return T
function json.array(t) end

---Marks a table as an object, and returns it.
---@generic T: table
---@param t? T a new table when not given; without a metatable of its own
---@return T
function json.object(t) end

---Whether a value would encode as an array: it is marked as one, or has `v[1]` and no mark.
---@param value any
---@return boolean
function json.is_array(value) end

return json
