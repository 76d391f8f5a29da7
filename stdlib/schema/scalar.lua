-- Schemas of single values: strings, numbers, booleans, literals.
local checks = require "tidelock.options.core"
local core = require "tidelock.schema.core"
local format = require "tidelock.schema.format"
local issue = require "tidelock.schema.issue"
local json = require "tidelock.json"

local M = {}

-- --- strings ----------------------------------------------------------------------------------

-- Characters, or bytes of a text that is not UTF-8.
local function count_characters(text) return utf8.len(text) or #text end

local function characters_text(count) return ("%d character%s"):format(count, count == 1 and "" or "s") end

local function check_max(max)
  return function(text, found)
    if #text <= max or (#text <= 4 * max and count_characters(text) <= max) then return true end
    return issue.broken(found, "at most " .. characters_text(max), characters_text(count_characters(text)))
  end
end

local function check_min(min)
  return function(text, found)
    if count_characters(text) >= min then return true end
    return issue.broken(found, "at least " .. characters_text(min), characters_text(count_characters(text)))
  end
end

local function check_pattern(pattern, expected)
  return function(text, found)
    return text:find(pattern) and true or issue.broken(found, expected, issue.quote(text))
  end
end

local function check_format(name)
  local is = format[name]
  return function(text, found)
    return is(text) or issue.broken(found, name, issue.quote(text))
  end
end

-- The rules in the order of their calls: a text that is too long is not searched.
local function string_rules(options)
  local min = options.min or (options.nonempty and 1) or 0
  return {
    options.max and check_max(options.max),
    (min > 0) and check_min(min),
    options.pattern and check_pattern(options.pattern, "text like " .. issue.quote(options.pattern)),
    options.format and check_format(options.format),
  }
end

local function list_rules(rules, count)
  local list = {}
  for i = 1, count do
    if rules[i] then list[#list + 1] = rules[i] end
  end
  return list
end

-- In two steps, each linear.
local function trim_text(text)
  local first = text:find "%S"
  return first and text:match("^.*%S", first) or ""
end

local function string_run(rules, trim)
  local count = #rules
  return function(value, found)
    if type(value) ~= "string" then return issue.mismatch(found, "string", value) end
    if trim then value = trim_text(value) end
    for i = 1, count do
      if rules[i](value, found) ~= true then return issue.FAIL end
    end
    return value
  end
end

local function plain_string(value, found)
  if type(value) == "string" then return value end
  return issue.mismatch(found, "string", value)
end

local string_options = {
  min = "size", max = "size", nonempty = "boolean", pattern = "string", format = "string",
  trim = "boolean",
}

---@param options? tidelock.schema.string
---@return tidelock.Schema
function M.string(options)
  options = core.options(options, string_options, "string")
  if options.format and not format[options.format] then
    local what = "schema.string: no format '%s': email, url, uuid or date-time%s"
    error(what:format(checks.cut(options.format), checks.suggest(options.format, format)), 2)
  end
  if options.pattern then string.find("", options.pattern) end
  local rules = list_rules(string_rules(options), 4)
  local plain = #rules == 0 and not options.trim
  return core.new {
    kind = "string", expects = options.format or "string", options = options,
    run = plain and plain_string or string_run(rules, options.trim),
  }
end

-- --- numbers ----------------------------------------------------------------------------------

local number_options = { min = "number", max = "number", positive = "boolean", infinite = "boolean" }

local function number_rules(value, found, options)
  if options.min and value < options.min then
    return issue.broken(found, "at least " .. options.min, tostring(value))
  elseif options.max and value > options.max then
    return issue.broken(found, "at most " .. options.max, tostring(value))
  elseif options.positive and value <= 0 then
    return issue.broken(found, "a number above 0", tostring(value))
  end
  return value
end

---The validator of a number; `read` converts the value to a number, or returns nil.
---@param expected string
---@param options tidelock.schema.number
---@param read fun(value: any): number?
function M.number_run(expected, options, read)
  return function(value, found)
    local number = read(value)
    if not number then return issue.mismatch(found, expected, value) end
    return number_rules(number, found, options)
  end
end

---A number that is neither infinite nor NaN.
---@param value any
---@return number?
function M.finite(value)
  if type(value) == "number" and value - value == 0 then return value end
end

local function any_number(value)
  if type(value) == "number" and value == value then return value end
end

---@param value any
---@return integer?
function M.whole(value)
  if type(value) == "number" then return math.tointeger(value) end
end

---@param options? tidelock.schema.number
---@return tidelock.Schema
function M.number(options)
  options = core.options(options, number_options, "number")
  local read = options.infinite and any_number or M.finite
  return core.new {
    kind = "number", expects = "number", options = options,
    run = M.number_run("number", options, read),
  }
end

---A number without fraction, an integer in Lua (so 3.0 becomes 3).
---@param options? tidelock.schema.number
---@return tidelock.Schema
function M.integer(options)
  options = core.options(options, number_options, "integer")
  local run = M.number_run("integer", options, M.whole)
  return core.new {
    kind = "integer", expects = "integer", options = options,
    run = function(value, found)
      if type(value) == "number" and not M.whole(value) then
        return issue.other(found, "integer", value)
      end
      return run(value, found)
    end,
  }
end

M.number_options = number_options

-- --- the rest ---------------------------------------------------------------------------------

---@param none? nil there are no options
---@return tidelock.Schema
function M.boolean(none)
  checks.none("schema.boolean", none)
  return core.new {
    kind = "boolean", expects = "boolean",
    run = function(value, found)
      if type(value) == "boolean" then return value end
      return issue.mismatch(found, "boolean", value)
    end,
  }
end

---json.null; in a record a key that is absent, for that is how null arrives there.
---@return tidelock.Schema
function M.null(none)
  checks.none("schema.null", none)
  return core.new {
    kind = "null", expects = "null",
    run = function(value, found)
      if value == nil or value == json.null then return json.null end
      return issue.mismatch(found, "null", value)
    end,
  }
end

local literal_types = { string = true, number = true, boolean = true }

local function want_literal(value, what)
  if literal_types[type(value)] and value == value then return end
  error(("schema.%s: a string, number or boolean is wanted, not a %s"):format(what, type(value)), 3)
end

---@param wanted string|number|boolean
---@return tidelock.Schema
function M.literal(wanted, none)
  checks.none("schema.literal", none)
  want_literal(wanted, "literal")
  local expects = issue.show(wanted)
  return core.new {
    kind = "literal", expects = expects, values = { wanted },
    run = function(value, found)
      if value == wanted then return wanted end
      return issue.other(found, expects, value)
    end,
  }
end

---One of some values.
---@param values (string|number|boolean)[]
---@return tidelock.Schema
function M.enum(values, none)
  checks.none("schema.enum", none)
  if type(values) ~= "table" or #values == 0 then error("schema.enum: a list is wanted", 2) end
  local known, names, list = {}, {}, table.move(values, 1, #values, 1, {})
  for i, value in ipairs(list) do
    want_literal(value, "enum")
    known[value], names[i] = true, issue.show(value)
  end
  local expects = table.concat(names, " or ")
  return core.new {
    kind = "enum", expects = expects, values = list,
    run = function(value, found)
      if value ~= nil and known[value] then return value end
      return issue.other(found, expects, value)
    end,
  }
end

return M
