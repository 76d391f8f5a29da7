-- The JSON Schema (2020-12) of the values that a schema accepts, before any conversion. Rules that are
-- functions are left out. A Lua pattern is not a regular expression: it is exported as x-lua-pattern.
local issue = require "tidelock.schema.issue"
local json = require "tidelock.json"

local DIALECT = "https://json-schema.org/draft/2020-12/schema"

local export_schema -- export_schema(schema, defs) → table

local by_kind = {}

-- --- single values ----------------------------------------------------------------------------

local formats = { email = "email", url = "uri", uuid = "uuid", ["date-time"] = "date-time" }

function by_kind.string(schema)
  local options = schema.options
  return {
    type = "string", minLength = options.min or (options.nonempty and 1) or nil,
    maxLength = options.max, format = formats[options.format],
    ["x-lua-pattern"] = options.pattern,
  }
end

local function number_schema(kind, options)
  return {
    type = kind, minimum = options.min, maximum = options.max,
    exclusiveMinimum = options.positive and 0 or nil,
  }
end

function by_kind.number(schema) return number_schema("number", schema.options) end
function by_kind.integer(schema) return number_schema("integer", schema.options) end

local WHOLE = "^-?(0|[1-9][0-9]*)"

local function or_text(made, pattern)
  return { anyOf = json.array { made, { type = "string", pattern = pattern } } }
end

function by_kind.coerce_number(schema)
  return or_text(number_schema("number", schema.options), WHOLE .. "(\\.[0-9]+)?([eE][+-]?[0-9]+)?$")
end

function by_kind.coerce_integer(schema)
  return or_text(number_schema("integer", schema.options), WHOLE .. "$")
end

function by_kind.coerce_boolean()
  return { enum = json.array { true, false, "true", "false", "1", "0" } }
end

function by_kind.date(schema)
  if schema.options.assume_utc then return { type = json.array { "string", "number" } } end
  return { anyOf = json.array { { type = "string", format = "date-time" }, { type = "number" } } }
end

function by_kind.boolean() return { type = "boolean" } end
function by_kind.null() return { type = "null" } end
function by_kind.any() return json.object {} end
function by_kind.literal(schema) return { const = schema.values[1] } end
function by_kind.enum(schema)
  return { enum = json.array(table.move(schema.values, 1, #schema.values, 1, {})) }
end

-- --- containers -------------------------------------------------------------------------------

local function above_zero(count) return count and count > 0 and count or nil end
local function finite_count(count) return count and count < math.huge and count or nil end

local function export_all(list, defs)
  local out = json.array {}
  for i, schema in ipairs(list) do out[i] = export_schema(schema, defs) end
  return out
end

function by_kind.array(schema, defs)
  return {
    type = "array", items = export_schema(schema.item, defs),
    minItems = above_zero(schema.min), maxItems = finite_count(schema.max),
  }
end

local may_be_absent

function by_kind.tuple(schema, defs)
  local least = #schema.items
  while least > 0 and may_be_absent(schema.items[least]) do least = least - 1 end
  local items = false
  if schema.rest then items = export_schema(schema.rest, defs) end
  return {
    type = "array", prefixItems = export_all(schema.items, defs), minItems = least, items = items,
  }
end

function by_kind.map(schema, defs)
  local options = schema.options
  return {
    type = "object", additionalProperties = export_schema(schema.item, defs),
    propertyNames = options.key and export_schema(options.key, defs),
    minProperties = options.min, maxProperties = options.max,
  }
end

function by_kind.record(schema, defs)
  local properties, required = json.object {}, json.array {}
  for _, name in ipairs(schema.names) do
    local field = schema.fields[name]
    properties[name] = export_schema(field, defs)
    if not may_be_absent(field) then required[#required + 1] = name end
  end
  local closed = nil
  if schema.unknown == "strict" then closed = false end
  return {
    type = "object", properties = properties, required = required, additionalProperties = closed,
  }
end

-- --- around others ----------------------------------------------------------------------------

function by_kind.union(schema, defs) return { anyOf = export_all(schema.choices, defs) } end

function by_kind.tagged_union(schema, defs)
  local list = {}
  for i, value in ipairs(schema.values) do list[i] = schema.choices[value] end
  return { oneOf = export_all(list, defs) }
end

function by_kind.nullable(schema, defs)
  local inner = export_schema(schema.inner, defs)
  if type(inner.type) == "string" and inner.type ~= "null" then
    inner.type = json.array { inner.type, "null" }
    return inner
  end
  return { anyOf = json.array { inner, { type = "null" } } }
end

local function inner_with_default(schema, defs)
  local inner = export_schema(schema.inner, defs)
  if type(schema.value) == "function" then return inner end
  local copy = require("tidelock.schema.container").copy(schema.value, issue.start(), 1)
  if inner["$ref"] then inner = { allOf = json.array { inner } } end
  inner.default = copy
  return inner
end

by_kind.default, by_kind.catch = inner_with_default, inner_with_default

local function inner_alone(schema, defs) return export_schema(schema.inner, defs) end
by_kind.optional, by_kind.refine, by_kind.transform = inner_alone, inner_alone, inner_alone

-- A recursive schema is exported once, under its name; a number is added to a name that is taken.
function by_kind.lazy(schema, defs)
  local resolved = schema.resolve()
  local name = defs.names[resolved]
  if not name then
    defs.count = defs.count + 1
    name = schema.name or ("schema%d"):format(defs.count)
    if defs.schemas[name] then name = ("%s%d"):format(name, defs.count) end
    defs.names[resolved], defs.schemas[name] = name, json.object {}
    defs.schemas[name] = export_schema(resolved, defs)
  end
  return { ["$ref"] = "#/$defs/" .. name:gsub("~", "~0"):gsub("/", "~1") }
end

-- --- what may be absent -----------------------------------------------------------------------

local absent_kinds = {
  optional = true, nullable = true, default = true, catch = true, any = true, null = true,
}

local function any_absent(choices, seen)
  for _, choice in ipairs(choices) do
    if may_be_absent(choice, seen) then return true end
  end
  return false
end

function may_be_absent(schema, seen)
  if absent_kinds[schema.kind] then return true end
  if schema.kind == "union" then return any_absent(schema.choices, seen) end
  if schema.kind ~= "lazy" then return schema.inner ~= nil and may_be_absent(schema.inner, seen) end
  seen = seen or {}
  if seen[schema] then return false end
  seen[schema] = true
  return may_be_absent(schema.resolve(), seen)
end

function export_schema(schema, defs)
  local out = by_kind[schema.kind](schema, defs)
  out.description = schema.description or out.description
  return out
end

---@param schema tidelock.Schema
---@return table
return function(schema)
  local defs = { schemas = {}, names = {}, count = 0 }
  local out = export_schema(schema, defs)
  out["$schema"] = DIALECT
  if next(defs.schemas) then out["$defs"] = defs.schemas end
  return out
end
