-- Reads the LuaLS annotations of one file of stdlib/meta: a list of items, in the order of the file.
--
--   { kind = "class", name =, doc =, parent =, fields = {}, var = "Timer" }
--   { kind = "alias", name =, doc =, type =, values = { { value =, text = } } }
--   { kind = "function", name = "stop", receiver = "Timer", colon = true, args = {}, doc =,
--     params = {}, returns = {}, overloads = {}, generics = {} }
--
-- A field, parameter or result is { name =, optional =, type =, text =, default = }. `doc` is a list
-- of lines.
local types = require "types"

local M = {}

-- The last sentence "Default: ..." of a description stands apart.
local function split_default(text)
  local rest, default = text:match "^(.-)%s*Default: (.+)$"
  if rest then return rest:gsub("[.,;]$", ""), default end
  return text, nil
end

local function described(made, text)
  text = text:gsub("^%s*#?%s*", "")
  made.text, made.default = split_default(text)
  return made
end

local readers = {}

-- NAME[?] TYPE TEXT
local function read_named(text)
  local name, mark, rest = text:match "^(%S-)(%??)%s+(.*)$"
  if not name then return nil, "a name and a type are wanted: " .. text end
  local stop = types.skip(rest, 1)
  if not stop then return nil, "no type: " .. rest end
  return described({ name = name, optional = mark == "?", type = rest:sub(1, stop - 1) }, rest:sub(stop))
end

function readers.field(block, text)
  if not block.class then return "a field without a class" end
  local made, why = read_named(text)
  table.insert(block.class.fields, made)
  return why
end

function readers.param(block, text)
  local made, why = read_named(text)
  table.insert(block.params, made)
  return why
end

readers["return"] = function(block, text)
  local stop = types.skip(text, 1)
  if not stop then return "no type: " .. text end
  local name, rest = text:sub(stop):match "^%s+([%a_.][%w_.]*)%s*(.*)$"
  if not name then return "a result has a name: " .. text end
  table.insert(block.returns, described({ name = name, type = text:sub(1, stop - 1) }, rest))
end

function readers.class(block, text)
  local name, parent = text:match "^([%w_.]+)%s*:?%s*([%w_.]*)$"
  if not name then return "no name of a class: " .. text end
  if block.class then return "two classes in one block" end
  block.class = { kind = "class", name = name, parent = parent ~= "" and parent or nil, fields = {} }
end

function readers.alias(block, text)
  local name, rest = text:match "^([%w_.]+)%s*(.*)$"
  if not name then return "no name of an alias: " .. text end
  block.alias = { kind = "alias", name = name, type = rest ~= "" and rest or nil, values = {} }
end

function readers.generic(block, text)
  for name in (text .. ","):gmatch "%s*([%w_]+)[^,]*," do block.generics[name] = true end
end

function readers.overload(block, text) table.insert(block.overloads, text) end
function readers.see(block, text) table.insert(block.see, text) end
function readers.async(block) block.async = true end
function readers.deprecated(block) block.deprecated = true end

local function new_block()
  return { doc = {}, params = {}, returns = {}, overloads = {}, generics = {}, see = {} }
end

-- Adds a line of a block; returns what is wrong with it.
local function read_line(block, line)
  local value, text = line:match '^%-%-%-| ("[^"]*") # (.+)$'
  if value then
    if not block.alias then return "a value without an alias" end
    table.insert(block.alias.values, { value = value, text = text })
    return
  end
  local word, rest = line:match "^%-%-%-@(%w+)%s*(.*)$"
  if not word then
    table.insert(block.doc, (line:sub(4)))
    return
  end
  if not readers[word] then return "an unknown annotation: @" .. word end
  return readers[word](block, rest)
end

local function read_args(text)
  local args = {}
  for name in text:gmatch "[%w_.]+" do args[#args + 1] = name end
  return args
end

-- What the block belongs to: the line behind it.
local function finish(block, line)
  local receiver, dot, name, args = line:match "^function (%w+)([.:])([%w_]+)%((.-)%) end$"
  if receiver then
    block.kind, block.receiver, block.colon = "function", receiver, dot == ":"
    block.name, block.args = name, read_args(args)
    return block
  end
  local made = block.class or block.alias
  if not made then return nil end
  made.doc, made.var = block.doc, line:match "^local (%w+) = {}$"
  return made
end

---@param name string of the module, without "tidelock."
---@param lines string[]
---@return table[] items, string[] problems
function M.parse(name, lines)
  local items, problems, block = {}, {}, nil
  local function problem(number, text)
    problems[#problems + 1] = ("stdlib/meta/%s.lua:%d: %s"):format(name, number, text)
  end
  local first = "---@meta tidelock." .. name -- by this `require` finds the types
  if lines[1] ~= first then problem(1, "the first line is not " .. first) end
  for number, line in ipairs(lines) do
    if line:find "^%-%-%-@meta" then
      block = nil
    elseif line:find "^%-%-%-" then
      block = block or new_block()
      local wrong = read_line(block, line)
      if wrong then problem(number, wrong) end
    else
      local item = finish(block or new_block(), line)
      if item then
        item.line = number
        items[#items + 1] = item
      elseif block then
        problem(number, "annotations that belong to nothing")
      end
      block = nil
    end
  end
  return items, problems
end

return M
