-- The methods of every schema: check, assert, is, and those that derive another schema. A schema is
-- immutable; each method returns a new one.
local checks = require "tidelock.options.core"
local issue = require "tidelock.schema.issue"

local M = {}

local FAIL = issue.FAIL

---The inside of a schema. Its public methods are annotated in meta/schema.lua.
---@class tidelock.schema.Node: tidelock.Schema
---@field kind string "string", "record", "optional" and so on
---@field expects string the name of the expected value in messages
---@field run fun(value: any, found: table, depth: integer): any
---@field inner? tidelock.schema.Node the schema it wraps
---@field description? string
local Schema = {}
M.Schema = Schema

local metatable = {
  __index = Schema,
  __name = "schema",
  __tostring = function(self) return "schema: " .. self.expects end,
}

---@param fields table kind, expects, run, and the fields that schema/export.lua reads
---@return tidelock.schema.Node
function M.new(fields) return setmetatable(fields, metatable) end

---@param value any
---@return boolean
function M.is_schema(value) return type(value) == "table" and getmetatable(value) == metatable end

---Raises unless the value is a schema.
---@param value any
---@param what string
---@param level? integer
---@return tidelock.schema.Node
function M.want(value, what, level)
  if M.is_schema(value) then return value end
  local hint = type(value) == "function" and " (call it: schema.string())" or ""
  error(("schema: %s must be a schema, not a %s value%s"):format(what, type(value), hint),
    (level or 2) + 1)
end

-- Raises at the line of the script that called the constructor, three levels up.
local function refuse_option(what, options, known)
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  checks.check("schema." .. what, options, names, 4)
end

local rules = {
  number = { least = -math.maxinteger, most = math.huge, huge = true },
  size = { most = 1 << 53, whole = true, huge = true },
}

local function option_problem(kind, value)
  if kind == "number" and value == -math.huge then return nil end
  if rules[kind] then return checks.number_problem(value, rules[kind]) end
  if kind == "any" or type(value) == kind then return nil end
  return ("must be a %s, not a %s"):format(kind, type(value))
end

---Raises at options that are not known or of another type. A "size" is a whole number, 0 or more, or
---math.huge.
---@param options table?
---@param known table<string, string> type by name; "any" is any
---@param what string
---@return table
function M.options(options, known, what)
  if options == nil then return {} end
  if type(options) ~= "table" then
    error(("schema.%s: the options must be a table, not a %s"):format(what, type(options)), 3)
  end
  for name, value in pairs(options) do
    local kind = known[name]
    if not kind then refuse_option(what, options, known) end
    local problem = option_problem(kind, value)
    if problem then error(("schema.%s: %s %s"):format(what, name, problem), 3) end
  end
  return options
end

-- Calls a function of the script inside string.gsub, a C function across which nothing can wait.
local function call_without_waiting(fn, value)
  local result, why
  string.gsub("x", "x", function() result, why = fn(value) end)
  return result, why
end
M.call_without_waiting = call_without_waiting

---Checks a value and collects all its issues.
---@param value any is not changed
---@param label? string the value's name in the error's message
---@return any? checked a fresh copy, transformed; nil too where nothing is allowed: look at err
---@return tidelock.schema.Error? err INVALID, with all `issues`
function Schema:check(value, label)
  local found = issue.start()
  local checked = self.run(value, found, 1)
  if checked ~= FAIL and not found.spent then return checked end
  return nil, issue.error(found, label)
end

---As check, but raises the error.
---@param value any
---@param label? string
---@return any checked
function Schema:assert(value, label)
  local checked, err = self:check(value, label)
  if err then error(err, 0) end
  return checked
end

---@param value any
---@return boolean
function Schema:is(value)
  local found = issue.start()
  return self.run(value, found, 1) ~= FAIL and not found.spent
end

---The JSON Schema (2020-12) of the accepted values, without rules that are functions.
---@return table
function Schema:json_schema() return require("tidelock.schema.export")(self) end

local function derive_schema(self, kind, run)
  return M.new { kind = kind, expects = self.expects, run = run, inner = self }
end

---Adds a rule, called once all others hold. It must not wait; its errors are raised.
---@param fn fun(value: any): boolean|any, string? a second result is the message
---@param message? string "does not hold" when not given
---@param path? string where the issue is shown, in the value
---@return tidelock.Schema
function Schema:refine(fn, message, path)
  if type(fn) ~= "function" then error("schema: refine wants a function", 2) end
  local run = self.run
  return derive_schema(self, "refine", function(value, found, depth)
    local checked = run(value, found, depth)
    if checked == FAIL then return FAIL end
    local ok, why = call_without_waiting(fn, checked)
    if ok then return checked end
    local text = type(why) == "string" and why or message or "does not hold"
    issue.broken(found, text, issue.kind(checked), text)
    if path then found[found.n].path = path end
    return FAIL
  end)
end

---Converts the checked value. fn must not wait; a result of nil is an issue, unless the checked value
---is nil too.
---@param fn fun(value: any): any, string?
---@return tidelock.Schema
function Schema:transform(fn)
  if type(fn) ~= "function" then error("schema: transform wants a function", 2) end
  local run = self.run
  return derive_schema(self, "transform", function(value, found, depth)
    local checked = run(value, found, depth)
    if checked == FAIL then return FAIL end
    local made, why = call_without_waiting(fn, checked)
    if made == nil and (why ~= nil or checked ~= nil) then
      local text = why ~= nil and tostring(why) or "nothing came of it"
      return issue.broken(found, text, issue.kind(checked), text)
    end
    return made
  end)
end

---The same schema with a description for json_schema.
---@param text string
---@return tidelock.Schema
function Schema:describe(text)
  if type(text) ~= "string" then error("schema: describe wants a string", 2) end
  local same = {}
  for key, value in pairs(self) do same[key] = value end
  same.description = text
  return M.new(same)
end

return M
