-- Checks the fields of a request, and collects what is wrong with each.
--
--   local wanted = { name = validate.text { max = 100 }, tags = validate.optional(...) }
--   local fields = validate.fields(body, wanted)      raises failure.invalid with all errors
--
-- Fields that `wanted` does not name are left out: no unchecked field passes. (tidelock.schema does more;
-- this shows how little it takes.)
local failure = require "failure"
local json = require "tidelock.json"

local M = {}

---@alias backend.Check fun(value: any): any, string? the checked value, or nil and the error

---@param rule { min?: integer, max: integer } lengths in characters; min is 1 when not given
---@return backend.Check
function M.text(rule)
  local min = rule.min or 1
  local too_short = min == 1 and "must not be empty"
    or ("must have at least %d characters"):format(min)
  return function(value)
    if type(value) ~= "string" then return nil, "must be text" end
    local text = value:match("^%s*(.-)%s*$")
    local length = utf8.len(text)
    if not length then return nil, "must be UTF-8" end
    if length < min then return nil, too_short end
    if length > rule.max then return nil, ("must have at most %d characters"):format(rule.max) end
    return text
  end
end

---@param allowed string[]
---@return backend.Check
function M.one_of(allowed)
  return function(value)
    for _, each in ipairs(allowed) do
      if value == each then return value end
    end
    return nil, "must be one of " .. table.concat(allowed, ", ")
  end
end

---@param min number
---@param max number
---@return backend.Check
function M.number(min, max)
  return function(value)
    if type(value) ~= "number" or not (value >= min and value <= max) then
      return nil, ("must be a number from %g to %g"):format(min, max)
    end
    return value
  end
end

---@return backend.Check
function M.boolean()
  return function(value)
    if type(value) ~= "boolean" then return nil, "must be true or false" end
    return value
  end
end

local function is_list(value)
  return type(value) == "table" and (#value > 0 or next(value) == nil)
end

local function is_object(value) return type(value) == "table" and #value == 0 end

---@param check backend.Check of each entry
---@param max integer entries
---@return backend.Check
function M.list(check, max)
  return function(value)
    if not is_list(value) then return nil, "must be a list" end
    if #value > max then return nil, ("must have at most %d entries"):format(max) end
    local list = json.array {}
    for i, entry in ipairs(value) do
      local taken, wrong = check(entry)
      if wrong then return nil, ("entry %d %s"):format(i, wrong) end
      list[i] = taken
    end
    return list
  end
end

---@param wanted table<string, backend.Check>
---@return backend.Check
function M.object(wanted)
  return function(value)
    if not is_object(value) then return nil, "must be an object" end
    local taken, errors = M.try(value, wanted)
    if not taken then return nil, "is wrong: " .. table.concat(errors, "; ") end
    return json.object(taken)
  end
end

local optional = setmetatable({}, { __mode = "k" })

---A field that may be missing or null.
---@param check backend.Check
---@return backend.Check
function M.optional(check)
  local function checked(value) return check(value) end
  optional[checked] = true
  return checked
end

local function sorted_names(wanted)
  local names = {}
  for name in pairs(wanted) do names[#names + 1] = name end
  table.sort(names)
  return names
end

---@param values table
---@param wanted table<string, backend.Check>
---@return table? taken
---@return string[]? errors
function M.try(values, wanted)
  local taken, errors = {}, {}
  for _, name in ipairs(sorted_names(wanted)) do
    local value, check = values[name], wanted[name]
    if value == json.null then value = nil end
    if value == nil then
      if not optional[check] then errors[#errors + 1] = name .. " is missing" end
    else
      local good, wrong = check(value)
      if wrong then errors[#errors + 1] = name .. " " .. wrong end
      taken[name] = good
    end
  end
  if #errors > 0 then return nil, errors end
  return taken
end

---@param values any the decoded body
---@param wanted table<string, backend.Check>
---@return table taken
function M.fields(values, wanted)
  if not is_object(values) then failure.invalid { "the body must be a JSON object" } end
  local taken, errors = M.try(values, wanted)
  if not taken then failure.invalid(errors) end
  return taken --[[@as table]]
end

local function read_number(text, name, default, max)
  if text == nil then return default end
  local number = type(text) == "string" and text:match("^%d+$") and math.tointeger(tonumber(text))
  if number and number >= 1 and number <= max then return number end
  failure.invalid { ("%s must be a whole number from 1 to %d"):format(name, max) }
end

---@param query table<string, string> of the request
---@param max_limit integer
---@return integer page from 1
---@return integer limit entries on a page
function M.paging(query, max_limit)
  local page = read_number(query.page, "page", 1, 1000000)
  return page, read_number(query.limit, "limit", math.min(20, max_limit), max_limit)
end

return M
