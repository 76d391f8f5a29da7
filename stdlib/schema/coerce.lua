-- Schemas that convert texts. A value that has the type already passes too, so that a checked value can
-- be checked again.
local checks = require "tidelock.options.core"
local core = require "tidelock.schema.core"
local date = require "tidelock.date.rfc3339"
local issue = require "tidelock.schema.issue"
local scalar = require "tidelock.schema.scalar"

local M = {}

-- Reads a number in JSON's syntax: no hexadecimal digits, no blanks, no "nan". Other types pass.
local function parse_decimal(value)
  if type(value) ~= "string" or #value > 64 then return value end
  local whole, rest = value:match "^-?(%d+)(.*)$"
  if not whole or (#whole > 1 and whole:byte() == 48) then return nil end -- 48 is 0
  local tail = rest:gsub("^%.%d+", "")
  if tail == "" or tail:find "^[eE][+-]?%d+$" then return tonumber(value) end
end

local function new_number(expects, options, convert)
  local function read(value) return convert(parse_decimal(value)) end
  return core.new {
    kind = "coerce_" .. expects, expects = expects, options = options,
    run = scalar.number_run(expects, options, read),
  }
end

---A number, or a text that JSON would read as one.
---@param options? tidelock.schema.number
---@return tidelock.Schema
function M.number(options)
  options = core.options(options, scalar.number_options, "coerce.number")
  return new_number("number", options, scalar.finite)
end

---An integer, or a text that JSON would read as one.
---@param options? tidelock.schema.number
---@return tidelock.Schema
function M.integer(options)
  options = core.options(options, scalar.number_options, "coerce.integer")
  return new_number("integer", options, scalar.whole)
end

local truths = { [true] = true, ["true"] = true, ["1"] = true }
local lies = { [false] = true, ["false"] = true, ["0"] = true }

---A boolean, or "true", "false", "1", "0".
---@return tidelock.Schema
function M.boolean(none)
  checks.none("schema.coerce.boolean", none)
  return core.new {
    kind = "coerce_boolean", expects = "boolean",
    run = function(value, found)
      if value == nil then return issue.mismatch(found, "boolean", value) end
      if truths[value] then return true end
      if lies[value] then return false end
      return issue.mismatch(found, "boolean", value)
    end,
  }
end

---A time as RFC 3339 writes it, or wall-clock seconds: becomes wall-clock seconds.
---@param options? tidelock.schema.date
---@return tidelock.Schema
function M.date(options)
  options = core.options(options, { assume_utc = "boolean" }, "coerce.date")
  local utc, expects = options.assume_utc, "RFC 3339 time"
  return core.new {
    kind = "date", expects = expects, options = options,
    run = function(value, found)
      if type(value) == "string" then
        return date.parse(value, utc) or issue.other(found, expects, value)
      elseif type(value) ~= "number" then
        return issue.mismatch(found, expects, value)
      elseif value >= date.FIRST and value <= date.LAST then
        return value
      end
      return issue.other(found, expects .. " or seconds", value)
    end,
  }
end

return checks.strict("tidelock.schema.coerce", M)
