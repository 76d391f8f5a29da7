-- Schemas of containers: arrays, tuples, maps; and of any value.
local checks = require "tidelock.options.core"
local core = require "tidelock.schema.core"
local issue = require "tidelock.schema.issue"
local json = require "tidelock.json"

local M = {}

local FAIL, null, MAX_ISSUES = issue.FAIL, json.null, issue.MAX_ISSUES
local array, object = json.array, json.object

-- --- shapes -----------------------------------------------------------------------------------

-- Whether a table has the keys 1 to count and no others.
local function is_sequence(t, count)
  local seen = 0
  for key in pairs(t) do
    if math.type(key) ~= "integer" or key < 1 or key > count then return false end
    seen = seen + 1
  end
  return seen == count
end

local function count_keys(value)
  local count = 0
  for _ in pairs(value) do count = count + 1 end
  return count
end

---The number of items of an array; nil for any other value. An empty table counts as an array.
---@param value any
---@return integer?
function M.length(value)
  if not issue.is_container(value) then return nil end
  local mark, count = getmetatable(value), #value
  if mark == "json.object" then return nil end
  if type(value) == "userdata" then
    local names = count == 0 and not json.is_array(value) and count_keys(value) > 0
    return not names and count or nil
  end
  return is_sequence(value, count) and count or nil
end

---Whether a value is an object. An empty table counts as one.
---@param value any
---@return boolean
function M.is_object(value)
  if type(value) == "table" then
    local mark = getmetatable(value)
    if mark == nil then return value[1] == nil end
    if mark == "json.object" then return true end
  end
  return issue.is_container(value) and not issue.is_array(value)
end

-- --- any value --------------------------------------------------------------------------------

local copy_value

local function copy_into(out, value, found, depth)
  local before, failed = found.n, false
  for key, part in pairs(value) do
    local got = copy_value(part, found, depth + 1)
    if got == FAIL then
      issue.prefix(found, before, key)
      if found.n >= MAX_ISSUES or found.spent then return FAIL end
      before, failed = found.n, true
    else
      out[key] = got
    end
  end
  if failed then return FAIL end
  return out
end

---A deep copy of any value; FAIL where it is too deep or too large.
function M.copy(value, found, depth)
  if not issue.is_container(value) then return value end
  local fault = issue.enter(found, depth, 0)
  if fault then return fault end
  local out = copy_into({}, value, found, depth)
  if out == FAIL then return FAIL end
  if json.is_array(value) or out[1] ~= nil then return array(out) end
  if getmetatable(value) == "json.object" then return object(out) end
  return out
end
copy_value = M.copy

---Any value, or none. Containers are copied.
---@return tidelock.Schema
function M.any(none)
  checks.none("schema.any", none)
  return core.new { kind = "any", expects = "anything", run = copy_value }
end

-- --- arrays -----------------------------------------------------------------------------------

-- The issue of a value that is not an array, or of a table with gaps or with names beside numbers.
local function no_array(found, value)
  if issue.kind(value) ~= "array" then return issue.mismatch(found, "array", value) end
  return issue.broken(found, "array", "array with gaps or names")
end

local function items_text(count) return ("%d item%s"):format(count, count == 1 and "" or "s") end

local function wrong_count(found, count, min, max)
  if count < min then return issue.broken(found, "at least " .. items_text(min), items_text(count)) end
  if count > max then return issue.broken(found, "at most " .. items_text(max), items_text(count)) end
end

-- Checks the items `first` to `last` into out. An item that becomes nil is null.
local function check_items(out, value, first, last, run, found, depth)
  local before, failed = found.n, false
  for i = first, last do
    local got = run(value[i], found, depth + 1)
    if got == FAIL then
      issue.prefix(found, before, i)
      if found.n >= MAX_ISSUES or found.spent then return FAIL end
      before, failed = found.n, true
    else
      if got == nil then got = null end
      out[i] = got
    end
  end
  return failed and FAIL or out
end

---@param item tidelock.schema.Node
---@param options? tidelock.schema.array
---@return tidelock.Schema
function M.array(item, options)
  core.want(item, "the item of an array")
  options = core.options(options, { min = "size", max = "size", nonempty = "boolean" }, "array")
  local min, max = options.min or (options.nonempty and 1) or 0, options.max or math.huge
  local run = item.run
  return core.new {
    kind = "array", expects = "array", item = item, min = min, max = max,
    run = function(value, found, depth)
      local count = M.length(value)
      if not count then return no_array(found, value) end
      local fault = wrong_count(found, count, min, max) or issue.enter(found, depth, count)
      if fault then return fault end
      return check_items(array {}, value, 1, count, run, found, depth)
    end,
  }
end

local function check_tuple(value, count, list, rest, found, depth)
  local out, failed = array {}, false
  for i = 1, math.max(#list, rest and count or 0) do
    local run = list[i] and list[i].run or rest.run
    if check_items(out, value, i, i, run, found, depth) == FAIL then
      if found.n >= MAX_ISSUES or found.spent then return FAIL end
      failed = true
    end
  end
  for i = #out, count + 1, -1 do -- missing items that may be absent
    if out[i] == null then out[i] = nil end
  end
  return failed and FAIL or out
end

---An array with a schema for each index.
---@param list tidelock.Schema[]
---@param options? tidelock.schema.tuple
---@return tidelock.Schema
function M.tuple(list, options)
  if type(list) ~= "table" then error("schema.tuple: a list of schemas is wanted", 2) end
  list = table.move(list, 1, #list, 1, {})
  for i, item in ipairs(list) do core.want(item, ("item %d of a tuple"):format(i)) end
  local rest = core.options(options, { rest = "table" }, "tuple").rest
  if rest then core.want(rest, "the rest of a tuple") end
  return core.new {
    kind = "tuple", expects = "array", items = list, rest = rest,
    run = function(value, found, depth)
      local count = M.length(value)
      if not count then return no_array(found, value) end
      local max = rest and math.huge or #list
      local fault = wrong_count(found, count, 0, max) or issue.enter(found, depth, count)
      if fault then return fault end
      return check_tuple(value, count, list, rest, found, depth)
    end,
  }
end

-- --- maps -------------------------------------------------------------------------------------

-- The checked key; FAIL after an issue.
local function check_key(key, schema, found, depth)
  if type(key) ~= "string" then return issue.broken(found, "a string as key", type(key)) end
  if not schema then return key end
  local before = found.n
  local got = schema.run(key, found, depth)
  for i = before + 1, found.n do found[i].expected = found[i].expected .. " as key" end
  return got
end

local function check_pairs(value, item, key_schema, found, depth)
  local start, before, out, failed = found.n, found.n, {}, false
  for key, part in pairs(value) do
    local name, got = check_key(key, key_schema, found, depth), item.run(part, found, depth + 1)
    if name == FAIL or got == FAIL then
      issue.prefix(found, before, key)
      before, failed = found.n, true
      if found.n >= MAX_ISSUES or found.spent then break end
    else
      out[name] = got
    end
  end
  if failed then
    issue.sort(found, start)
    return FAIL
  end
  return next(out) == nil and object(out) or out
end

---An object with any keys, whose values share a schema.
---@param item tidelock.schema.Node
---@param options? tidelock.schema.map
---@return tidelock.Schema
function M.map(item, options)
  core.want(item, "the value of a map")
  options = core.options(options, { min = "size", max = "size", key = "table" }, "map")
  if options.key then core.want(options.key, "the key of a map") end
  local min, max = options.min or 0, options.max or math.huge
  return core.new {
    kind = "map", expects = "object", item = item, options = options,
    run = function(value, found, depth)
      if not M.is_object(value) then return issue.mismatch(found, "object", value) end
      local count = count_keys(value)
      local fault = wrong_count(found, count, min, max) or issue.enter(found, depth, count)
      if fault then return fault end
      return check_pairs(value, item, options.key, found, depth)
    end,
  }
end

return M
