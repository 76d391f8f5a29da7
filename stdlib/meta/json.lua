---@meta tidelock.json

---Turns Lua values into JSON text and back (RFC 8259).
---Integers are exact: up to 2^53 when they are decoded, up to 2^63 when they are encoded.
---
---```lua
---local json = require "tidelock.json"
---
---print(json.encode { tags = json.array {} })
---print(json.decode('{"count":3}').count)
---local value, err = json.decode "[1,"
---print(value, err.code)
---```
---```text
---{"tags":[]}
---3
---nil	DECODE
---```
---@class tidelock.json
---@field null lightuserdata stands for JSON's null in arrays and as a whole value; a null in an object is an absent key
local json = {}

---The options of `json.encode`. Other names raise.
---@class tidelock.json.options
---@field pretty? boolean lays the text out over lines. Default: `false`

---Encodes a value. A table with the keys 1 to n is an array, a table with string keys is an
---object, an empty table without a mark is `{}`. Strings must be UTF-8. Views of stores encode
---like tables. Metamethods of tables are not called.
---@param value any the value
---@param options? tidelock.json.options how to write it
---@return string? text the JSON text
---@return tidelock.Error? err `DECODE`: a value that JSON cannot hold, with the path to it, like `payload.items[3].name`; `TOO_LARGE`: the text is larger than 128 MiB
function json.encode(value, options) end

---Decodes a text. Arrays and empty objects carry a mark, so that they encode as they were. A lone
---surrogate becomes U+FFFD. When an object has a key twice, the last value counts.
---@param text string JSON text, UTF-8
---@return any value the value; `nil` on failure only, since a whole null is `json.null`
---@return tidelock.Error? err `DECODE`: no valid JSON, with the byte at which it ends; `TOO_LARGE`: deeper or larger than the limits allow
function json.decode(text) end

---Marks a table as an array, so that it encodes as one when it is empty.
---@generic T: table
---@param t? T a table without a metatable of its own. Default: a new table
---@return T t the same table
function json.array(t) end

---Marks a table as an object, so that it encodes as one whatever its keys are.
---@generic T: table
---@param t? T a table without a metatable of its own. Default: a new table
---@return T t the same table
function json.object(t) end

---Says whether a value encodes as an array: it is marked as one, or has `value[1]` and no mark.
---@param value any the value to look at
---@return boolean is_array whether it is an array
function json.is_array(value) end

return json
