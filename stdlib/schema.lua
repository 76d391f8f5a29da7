-- tidelock.schema: describes values once; checks them where data comes in.
--
--   local schema = require "tidelock.schema"
--   local Message = schema.record {
--     id = schema.string { nonempty = true },
--     content = schema.string(),
--     type = schema.enum { "user", "assistant", "system" },
--     createdAt = schema.coerce.date(),
--     metadata = schema.map(schema.any()):default {},
--   }
--   local message, err = Message:check(data)   → a fresh copy | nil, err (INVALID, with err.issues)
--
-- A schema is a closure composed by its constructors; a check does no lookups. A check never changes its
-- input, reads tables and views of stores alike, and is bounded in depth, values and issues. See
-- docs/schema.md.
local choice = require "tidelock.schema.choice"
local coerce = require "tidelock.schema.coerce"
local container = require "tidelock.schema.container"
local core = require "tidelock.schema.core"
local record = require "tidelock.schema.record"
local scalar = require "tidelock.schema.scalar"

return {
  string = scalar.string,
  number = scalar.number,
  integer = scalar.integer,
  boolean = scalar.boolean,
  null = scalar.null,
  literal = scalar.literal,
  enum = scalar.enum,
  any = container.any,
  array = container.array,
  tuple = container.tuple,
  map = container.map,
  record = record.record,
  union = choice.union,
  tagged_union = choice.tagged_union,
  lazy = choice.lazy,
  coerce = coerce,
  is_schema = core.is_schema,
}
