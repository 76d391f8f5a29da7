-- The text of a query's key: two keys are the same key if and only if their texts are. The text is
-- JSON without the outer brackets, so that the text of a prefix of a list is a prefix of its text.
--
-- The names in a table have no order; 1 and 1.0 are equal. What JSON cannot hold, and what does not
-- equal itself, raises.
local checks = require "tidelock.options.core"
local json = require "tidelock.json"

local M = {}

local encode, decode = json.encode, json.decode
local most_deep = 32
local whole_floats = 2 ^ 53

local function misuse(path, fmt, ...)
  error(("a key: %s %s"):format(path, fmt:format(...)), 0)
end

local function number_text(value, path)
  if value ~= value then misuse(path, "is NaN, which equals nothing") end
  if value == math.huge or value == -math.huge then misuse(path, "is infinite") end
  local whole = math.tointeger(value)
  if whole and (math.type(value) == "integer" or math.abs(value) <= whole_floats) then
    return ("%d"):format(whole)
  end
  return ("%.17g"):format(value)
end

local function string_text(value, path)
  local text = encode(value)
  if not text then misuse(path, "is a string that is not UTF-8") end
  return text
end

local element_text

-- How many items a list has; nil: the table has names.
local function count_items(value, path)
  local count, highest = 0, 0
  for name in pairs(value) do
    if math.type(name) == "integer" and name >= 1 then highest = math.max(highest, name)
    elseif type(name) ~= "string" then
      misuse(path, "has the name %s: names are strings", checks.cut(tostring(name)))
    elseif highest > 0 then misuse(path, "has names and numbers")
    else return nil end
    count = count + 1
  end
  if highest ~= count then misuse(path, "has a hole") end
  return count
end

local function list_text(value, count, path, depth)
  local texts = {}
  for i = 1, count do texts[i] = element_text(value[i], ("%s[%d]"):format(path, i), depth + 1) end
  return table.concat(texts, ",")
end

local function object_text(value, path, depth)
  local names, texts = {}, {}
  for name in pairs(value) do
    if type(name) ~= "string" then misuse(path, "has names and numbers") end
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    texts[i] = string_text(name, path) .. ":" .. element_text(value[name], path .. "." .. name, depth + 1)
  end
  return "{" .. table.concat(texts, ",") .. "}"
end

local function is_table(value)
  return type(value) == "table" and not getmetatable(value) or json.is_array(value)
    or type(value) == "userdata" and getmetatable(value) == "view"
end

function element_text(value, path, depth)
  local kind = type(value)
  if kind == "string" then return string_text(value, path) end
  if kind == "number" then return number_text(value, path) end
  if kind == "boolean" then return tostring(value) end
  if value == json.null then return "null" end
  if not is_table(value) then misuse(path, "is a %s", kind) end
  if depth > most_deep then misuse(path, "is nested more than %d deep, or contains itself", most_deep) end
  local count = count_items(value, path)
  if count then return "[" .. list_text(value, count, path, depth) .. "]" end
  return object_text(value, path, depth)
end

--- The text of a key, which is a list. Raises a text without a place.
---@param list any[]
---@return string
function M.text(list)
  if not is_table(list) then error(("a key is a list, not a %s"):format(type(list)), 0) end
  local count = count_items(list, "the list")
  if not count then error('a key is a list, like { "projects", 7 }', 0) end
  if count == 0 then error("a key is a list that is not empty", 0) end
  return list_text(list, count, "item ", 1)
end

--- The text of one value, for what is added to a key.
---@param value any
---@return string
function M.value_text(value) return element_text(value, "the parameters", 1) end

--- The list that a text was made of.
---@param text string
---@return any[]
function M.list(text) return (decode("[" .. text .. "]")) end

-- The place behind a string that begins before `at`.
local function skip_string(text, at)
  while true do
    local found = text:find('["\\]', at)
    if text:sub(found, found) == '"' then return found + 1 end
    at = found + 2
  end
end

local deeper = { ["["] = 1, ["{"] = 1, ["]"] = -1, ["}"] = -1, [","] = 0 }

--- The texts of the items of a key, from its text.
---@param text string
---@return string[]
function M.items(text)
  local items, depth, from, found = {}, 0, 1, 0
  while true do
    found = text:find('[",%[%]{}]', found + 1)
    if not found then break end
    local char = text:sub(found, found)
    if char == '"' then found = skip_string(text, found + 1) - 1
    elseif char == "," and depth == 0 then
      items[#items + 1] = text:sub(from, found - 1)
      from = found + 1
    else depth = depth + deeper[char] end
  end
  items[#items + 1] = text:sub(from)
  return items
end

return M
