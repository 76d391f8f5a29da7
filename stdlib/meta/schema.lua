---@meta tidelock.schema

---Says what a value must look like, and checks values where data comes in.
---A schema never changes, and it never changes the value that it checks: `check` returns a copy,
---with defaults filled in and unknown keys left out. A check looks at most at 1,000,000 values, 512
---levels deep, and reports at most 100 issues. See docs/schema.md.
---
---```lua
---local schema = require "tidelock.schema"
---
---local Message = schema.record {
---  id = schema.string { nonempty = true },
---  sentAt = schema.coerce.date(),
---  tags = schema.array(schema.string()):default {},
---}
---
---local message = Message:check { id = "1", sentAt = "2024-05-01T12:30:00Z" }
---print(message.sentAt, #message.tags)
---print(Message:check { id = 1, sentAt = 0 })
---```
---```text
---1714566600	0
---nil	INVALID: id: expected string, received number
---```
---@class tidelock.schema
---@field coerce tidelock.schema.coerce schemas that turn a text into the value that it means
local schema = {}

---A rule for values.
---@class tidelock.Schema
local Schema = {}

---Something that is wrong with a value.
---@class tidelock.schema.Issue
---@field path string where it is: `items[3].name`; `""`: the value itself
---@field expected string what the schema asks for
---@field received string what stands there
---@field message string both in a sentence, or the message of `refine`
---@field choice? string which choice of a union it belongs to: `"2"`, or `"2.1"` in a union inside

---The error with the code `INVALID` that `check` returns.
---@class tidelock.schema.Error: tidelock.Error
---@field issues tidelock.schema.Issue[] all that is wrong, at most 100

---The options of `schema.string`. Other names raise.
---@class tidelock.schema.string
---@field min? integer the fewest characters. Default: 0
---@field max? integer the most characters. Default: no limit
---@field nonempty? boolean at least one character. Default: `false`
---@field pattern? string a Lua pattern; `^` and `$` make it match the whole text
---@field format? "email"|"url"|"uuid"|"date-time" what the text is: an address (RFC 5321), a URL with `http`, `https`, `ws` or `wss` (RFC 3986), a UUID (RFC 9562), a time (RFC 3339)
---@field trim? boolean removes the white space around the text. Default: `false`

---The options of `schema.number` and the like. Other names raise.
---@class tidelock.schema.number
---@field min? number the smallest number. Default: no limit
---@field max? number the largest number. Default: no limit
---@field positive? boolean more than 0. Default: `false`
---@field infinite? boolean infinity is allowed; NaN never is. Default: `false`

---The options of `schema.array`. Other names raise.
---@class tidelock.schema.array
---@field min? integer the fewest items. Default: 0
---@field max? integer the most items. Default: no limit
---@field nonempty? boolean at least one item. Default: `false`

---The options of `schema.tuple`. Other names raise.
---@class tidelock.schema.tuple
---@field rest? tidelock.Schema the schema of the items behind the places. Default: there are none

---The options of `schema.map`. Other names raise.
---@class tidelock.schema.map
---@field min? integer the fewest keys. Default: 0
---@field max? integer the most keys. Default: no limit
---@field key? tidelock.Schema the schema of the keys. Default: any string

---The options of `schema.coerce.date`. Other names raise.
---@class tidelock.schema.date
---@field assume_utc? boolean reads a time without an offset as UTC; else it is refused. Default: `false`

---A string.
---@param options? tidelock.schema.string its rules
---@return tidelock.Schema schema the schema
function schema.string(options) end

---A number, never NaN.
---@param options? tidelock.schema.number its rules
---@return tidelock.Schema schema the schema
function schema.number(options) end

---A number without a fraction: 3.0 becomes the integer 3.
---@param options? tidelock.schema.number its rules
---@return tidelock.Schema schema the schema
function schema.integer(options) end

---`true` or `false`.
---@return tidelock.Schema schema the schema
function schema.boolean() end

---`json.null`; in a record an absent key, too, since a null arrives there like that.
---@return tidelock.Schema schema the schema
function schema.null() end

---Any value, also an absent one. Tables are copied.
---@return tidelock.Schema schema the schema
function schema.any() end

---One value.
---@param wanted string|number|boolean the value
---@return tidelock.Schema schema the schema
function schema.literal(wanted) end

---One of several values.
---@param values (string|number|boolean)[] the values; at least one
---@return tidelock.Schema schema the schema
function schema.enum(values) end

---An array without gaps. The copy stays an array when it is empty.
---@param item tidelock.Schema the schema of each item
---@param options? tidelock.schema.array how many items
---@return tidelock.Schema schema the schema
function schema.array(item, options) end

---An array in which each place has a schema of its own.
---@param list tidelock.Schema[] the schemas of the places
---@param options? tidelock.schema.tuple the items behind them
---@return tidelock.Schema schema the schema
function schema.tuple(list, options) end

---An object with any string keys, whose values have one schema.
---@param item tidelock.Schema the schema of each value
---@param options? tidelock.schema.map the keys
---@return tidelock.Schema schema the schema
function schema.map(item, options) end

---An object with named fields. A field may be absent where its schema is optional or nullable, or
---has a default; null counts as absent. Keys without a name in the record are left out.
---@param fields table<string, tidelock.Schema> the schemas by name
---@return tidelock.Schema schema the schema
function schema.record(fields) end

---The first schema that the value fits.
---@param choices tidelock.Schema[] the schemas; at least one
---@return tidelock.Schema schema the schema
function schema.union(choices) end

---One of several records, which are distinguished by one field. A record without that field gets it.
---@param tag string the name of the field
---@param choices table<string|number|boolean, tidelock.Schema> the records by the value of the field
---@return tidelock.Schema schema the schema
function schema.tagged_union(tag, choices) end

---A schema that is made when it is first needed, so that it can hold itself.
---@param fn fun(): tidelock.Schema returns the schema
---@param name? string what `json_schema` calls it
---@return tidelock.Schema schema the schema
function schema.lazy(fn, name) end

---Says whether a value is a schema.
---@param value any the value to look at
---@return boolean is_schema whether it is one
function schema.is_schema(value) end

---Schemas that turn a text into the value that it means. A value that has the type already passes.
---@class tidelock.schema.coerce
local coerce = {}

---A number, or a text that is a number in JSON.
---@param options? tidelock.schema.number its rules
---@return tidelock.Schema schema the schema
function coerce.number(options) end

---An integer, or a text that is an integer in JSON.
---@param options? tidelock.schema.number its rules
---@return tidelock.Schema schema the schema
function coerce.integer(options) end

---A boolean, or `"true"`, `"false"`, `"1"` or `"0"`.
---@return tidelock.Schema schema the schema
function coerce.boolean() end

---A time as a text (RFC 3339), or seconds since 1970: becomes seconds since 1970.
---@param options? tidelock.schema.date its rules
---@return tidelock.Schema schema the schema
function coerce.date(options) end

---Checks a value and reports everything that is wrong with it.
---@param value any the value; it is not changed
---@param label? string what the message of the error calls the value
---@return any checked a copy; `nil` may be right where the schema allows absence: look at `err`
---@return tidelock.schema.Error? err `INVALID`, with the list `issues`
function Schema:check(value, label) end

---Checks a value, and raises the error of `check` when it does not fit.
---@param value any the value; it is not changed
---@param label? string what the message of the error calls the value
---@return any checked a copy
function Schema:assert(value, label) end

---Says whether a value fits.
---@param value any the value
---@return boolean is whether it fits
function Schema:is(value) end

---Allows absence and null: the result is `nil` then, and `json.null` in an array.
---@return tidelock.Schema schema a new schema
function Schema:optional() end

---Allows null, which stays `json.null`, and absence.
---@return tidelock.Schema schema a new schema
function Schema:nullable() end

---Puts a value in the place of an absent or null one. It is not checked.
---@param value any is copied each time; a function is called for it and may not wait
---@return tidelock.Schema schema a new schema
function Schema:default(value) end

---Puts a value in the place of a wrong or absent one: for words that a newer server may use.
---@param value any is copied each time; a function is called for it and may not wait
---@return tidelock.Schema schema a new schema
function Schema:catch(value) end

---Adds a rule, which is asked when all other rules hold. An error that it raises is raised.
---@param fn fun(value: any): boolean, string? says whether the value is right, and the message if not; may not wait
---@param message? string the message. Default: `"does not hold"`
---@param path? string where in the value the issue is
---@return tidelock.Schema schema a new schema
function Schema:refine(fn, message, path) end

---Turns the checked value into another one. An error that the function raises is raised.
---@param fn fun(value: any): any, string? returns the new value, or `nil` and a message; may not wait
---@return tidelock.Schema schema a new schema
function Schema:transform(fn) end

---Adds a description, which `json_schema` shows.
---@param text string the description
---@return tidelock.Schema schema a new schema
function Schema:describe(text) end

---Describes in JSON Schema (2020-12) which values are accepted. Rules that are functions are not in
---it; a Lua pattern is `x-lua-pattern`.
---@return table json_schema a plain table
function Schema:json_schema() end

---Makes a record that refuses unknown keys. Raises for other schemas.
---@return tidelock.Schema schema a new schema
function Schema:strict() end

---Makes a record that leaves unknown keys out, as records do. Raises for other schemas.
---@return tidelock.Schema schema a new schema
function Schema:strip() end

---Makes a record that copies unknown keys. Raises for other schemas.
---@return tidelock.Schema schema a new schema
function Schema:passthrough() end

---Makes a record with more fields; fields of the same name are replaced. Raises for other schemas.
---@param more table<string, tidelock.Schema>|tidelock.Schema the fields, or another record
---@return tidelock.Schema schema a new schema
function Schema:extend(more) end

---Makes a record of some of the fields. Raises for other schemas.
---@param names string[] the fields to keep
---@return tidelock.Schema schema a new schema
function Schema:pick(names) end

---Makes a record without some of the fields. Raises for other schemas.
---@param names string[] the fields to leave out
---@return tidelock.Schema schema a new schema
function Schema:omit(names) end

---Makes a record in which fields may be absent; their defaults are not filled in. Raises for other
---schemas.
---@param names? string[] the fields that may be absent. Default: all
---@return tidelock.Schema schema a new schema
function Schema:partial(names) end

return schema
