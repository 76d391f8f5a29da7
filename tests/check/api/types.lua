-- Reads type expressions of LuaLS: where one ends, and which names it has.
local M = {}

local builtin = {}
for name in ([[any nil boolean number integer string function table userdata lightuserdata thread true
  false self]]):gmatch "%a+" do builtin[name] = true end

local skip_type

local function skip_blanks(text, at) return text:match("^%s*()", at) end

-- Calls skip until what stands there is no comma; returns the place behind the closing sign.
local function skip_list(text, at, close, skip)
  at = skip_blanks(text, at)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = skip(text, at)
    if not at then return nil end
    at = skip_blanks(text, at)
    local sign = text:sub(at, at)
    if sign == close then return at + 1 end
    if sign ~= "," then return nil end
    at = skip_blanks(text, at + 1)
  end
end

-- NAME[?][: TYPE] of a function or a table
local function skip_member(text, at, names)
  local stop = text:match("^%.%.%.()", at) or text:match("^[%w_]+%??()", at)
  if not stop then return nil end
  local colon = text:match("^%s*:%s*()", stop)
  return colon and skip_type(text, colon, names) or stop
end

-- The results of a function: types with commas, until a named member follows.
local function skip_results(text, at, names)
  local stop = skip_type(text, at, names)
  while stop do
    local comma = text:match("^,%s*()", stop)
    if not comma or text:find("^[%w_]+%??%s*:", comma) then return stop end
    stop = skip_type(text, comma, names)
  end
end

local function skip_function(text, at, names)
  local stop = skip_list(text, at, ")", function(t, a) return skip_member(t, a, names) end)
  if not stop then return nil end
  local colon = text:match("^:%s*()", stop)
  return colon and skip_results(text, colon, names) or stop
end

local function skip_name(text, at, names)
  local name, stop = text:match("^([%a_][%w_.]*)()", at)
  if not name then return nil end
  names[#names + 1] = name
  if text:sub(stop, stop) ~= "<" then return stop end
  return skip_list(text, stop + 1, ">", function(t, a) return skip_type(t, a, names) end)
end

local function skip_one(text, at, names)
  local stop = text:match('^"[^"]*"()', at) or text:match("^%d[%d.]*()", at)
  if stop then return stop end
  if text:find("^fun%(", at) then return skip_function(text, at + 4, names) end
  if text:sub(at, at) == "(" then
    return skip_list(text, at + 1, ")", function(t, a) return skip_type(t, a, names) end)
  end
  if text:sub(at, at) == "{" then
    return skip_list(text, at + 1, "}", function(t, a) return skip_member(t, a, names) end)
  end
  return skip_name(text, at, names)
end

function skip_type(text, at, names)
  while true do
    at = skip_one(text, at, names)
    if not at then return nil end
    while text:find("^%[%]", at) or text:sub(at, at) == "?" do
      at = at + (text:sub(at, at) == "?" and 1 or 2)
    end
    if text:sub(at, at) ~= "|" then return at end
    at = at + 1
  end
end

---Returns the place behind the type that begins at `at`; nil where there is none.
---@param text string
---@param at integer
---@param names? string[] gets the names in it
---@return integer?
function M.skip(text, at, names) return skip_type(text, at, names or {}) end

---The names of the arguments of a function's type, with "?" behind those that may be left out.
---@param text string "fun(name: string, n?: integer)"
---@return string[]
function M.arguments(text)
  local names, at = {}, text:match "^fun%(()"
  while at and text:sub(at, at) ~= ")" do
    local name, stop = text:match("^([%w_.]+%??)()", at)
    names[#names + 1] = name
    at = skip_member(text, at, {}) or stop
    at = text:match("^,%s*()", at) or at
  end
  return names
end

---Calls fn for each name that is not built in; returns whether the whole text is a type.
---@param text string
---@param fn fun(name: string)
---@return boolean
function M.each_name(text, fn)
  local names = {}
  local stop = skip_type(text, 1, names)
  for _, name in ipairs(names) do
    if not builtin[name] then fn(name) end
  end
  return stop == #text + 1
end

return M
