-- Schemas of records: objects with named fields. Records have further methods: they derive records
-- with more or fewer fields, or with another rule for unknown keys.
local checks = require "tidelock.options.core"
local container = require "tidelock.schema.container"
local core = require "tidelock.schema.core"
local issue = require "tidelock.schema.issue"
local json = require "tidelock.json"
local wrap = require "tidelock.schema.wrap"

local M = {}

local FAIL, null, MAX_ISSUES = issue.FAIL, json.null, issue.MAX_ISSUES
local Schema = core.Schema

-- --- checking ---------------------------------------------------------------------------------

local function is_plain(value)
  return type(value) == "table" and getmetatable(value) == nil and value[1] == nil
end

-- Refuses or copies an unknown key; FAIL after an issue.
local function check_unknown_key(out, key, part, unknown, found, depth)
  if unknown == "strict" then
    return issue.broken(found, "no such key", issue.kind(part), "unknown key")
  end
  local got = container.copy(part, found, depth + 1)
  if got ~= FAIL then out[key] = got end
  return got
end

local function check_unknown_keys(out, value, fields, unknown, found, depth)
  local start, before = found.n, found.n
  for key, part in pairs(value) do
    if not fields[key] and check_unknown_key(out, key, part, unknown, found, depth) == FAIL then
      issue.prefix(found, before, key)
      before = found.n
      if before >= MAX_ISSUES or found.spent then break end
    end
  end
  if found.n == start then return nil end
  issue.sort(found, start)
  return FAIL
end

-- Checks the fields in order; FAIL after an issue. This loop runs for each checked object.
local function check_fields(out, value, names, runs, found, depth)
  local before, failed = found.n, nil
  for i = 1, #names do
    local name = names[i]
    local part = value[name]
    if part == null then part = nil end -- null in an object means absent
    local got = runs[i](part, found, depth)
    if got ~= FAIL then
      out[name] = got
    else
      issue.prefix(found, before, name)
      before, failed = found.n, FAIL
      if before >= MAX_ISSUES or found.spent then return FAIL end
    end
  end
  return failed
end

-- Returns a function that makes empty tables with room for `count` names, which need not grow.
local makers = {}
local function table_maker(count)
  count = math.min(count, 64)
  makers[count] = makers[count]
    or load(("return function() return { %s } end"):format(("x = nil, "):rep(count)))()
  return makers[count]
end

local function record_run(fields, names, unknown)
  local runs, new = {}, table_maker(#names)
  for i, name in ipairs(names) do runs[i] = fields[name].run end
  return function(value, found, depth)
    if not is_plain(value) and not container.is_object(value) then
      return issue.mismatch(found, "object", value)
    end
    local failed = issue.enter(found, depth, 0)
    if failed then return failed end
    local out = new()
    failed = check_fields(out, value, names, runs, found, depth + 1)
    if unknown ~= "strip" and found.n < MAX_ISSUES then
      failed = check_unknown_keys(out, value, fields, unknown, found, depth) or failed
    end
    if failed then return FAIL end
    return next(out) == nil and json.object(out) or out
  end
end

-- --- making -----------------------------------------------------------------------------------

local function sorted_names(fields)
  local names = {}
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function make_record(fields, unknown)
  local names = sorted_names(fields)
  return core.new {
    kind = "record", expects = "object", fields = fields, names = names, unknown = unknown,
    run = record_run(fields, names, unknown),
  }
end

local function checked_fields(fields, what)
  if type(fields) ~= "table" then
    error(("schema.%s: a table of schemas is wanted, not a %s"):format(what, type(fields)), 3)
  end
  local own = {}
  for name, schema in pairs(fields) do
    if type(name) ~= "string" then error(("schema.%s: fields have names"):format(what), 3) end
    own[name] = core.want(schema, ("the field '%s'"):format(checks.cut(name)), 3)
  end
  return own
end

---An object with the fields given. A field may be absent where its schema is optional, nullable,
---or has a default; null counts as absent. What is not named is left out (strip).
---@param fields table<string, tidelock.Schema>
---@return tidelock.Schema
function M.record(fields, none)
  checks.none("schema.record", none)
  return make_record(checked_fields(fields, "record"), "strip")
end

-- --- methods ----------------------------------------------------------------------------------

local function want_record(self, method)
  if core.is_schema(self) and self.kind == "record" then return self end
  error(("schema: %s is of records (call it before refine, optional and the like)"):format(method), 3)
end

---The same record; unknown keys are refused.
---@return tidelock.Schema
function Schema:strict() return make_record(want_record(self, "strict").fields, "strict") end

---The same record; unknown keys are left out.
---@return tidelock.Schema
function Schema:strip() return make_record(want_record(self, "strip").fields, "strip") end

---The same record; unknown keys are copied.
---@return tidelock.Schema
function Schema:passthrough() return make_record(want_record(self, "passthrough").fields, "passthrough") end

---The record with more fields, or others of the same name.
---@param more table<string, tidelock.Schema>|tidelock.Schema fields, or another record
---@return tidelock.Schema
function Schema:extend(more)
  want_record(self, "extend")
  local all = {}
  for name, schema in pairs(self.fields) do all[name] = schema end
  if core.is_schema(more) then more = want_record(more, "extend").fields end
  for name, schema in pairs(checked_fields(more, "extend")) do all[name] = schema end
  return make_record(all, self.unknown)
end

local function check_names(self, names, method)
  local set = {}
  if type(names) ~= "table" then error(("schema: %s wants a list of names"):format(method), 3) end
  for _, name in ipairs(names) do
    if not self.fields[name] then
      error(("schema: %s: there is no field '%s'%s"):format(method, checks.cut(name),
        checks.suggest(tostring(name), self.fields)), 3)
    end
    set[name] = true
  end
  return set
end

local function keep_fields(self, keep)
  local fields = {}
  for name, schema in pairs(self.fields) do
    if keep(name) then fields[name] = schema end
  end
  return make_record(fields, self.unknown)
end

---The record with these fields alone.
---@param names string[]
---@return tidelock.Schema
function Schema:pick(names)
  local set = check_names(want_record(self, "pick"), names, "pick")
  return keep_fields(self, function(name) return set[name] end)
end

---The record without these fields.
---@param names string[]
---@return tidelock.Schema
function Schema:omit(names)
  local set = check_names(want_record(self, "omit"), names, "omit")
  return keep_fields(self, function(name) return not set[name] end)
end

---The record of which these fields may be absent, or all. Defaults of theirs are not filled in.
---@param names? string[]
---@return tidelock.Schema
function Schema:partial(names)
  want_record(self, "partial")
  local set = names and check_names(self, names, "partial")
  local fields = {}
  for name, schema in pairs(self.fields) do
    fields[name] = (not set or set[name]) and wrap.optional(schema) or schema
  end
  return make_record(fields, self.unknown)
end

return M
