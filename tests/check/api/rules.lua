-- What must hold for the annotations of all modules together.
local errors = require "tidelock.errors"
local types = require "types"

local M = {}

---Where something is wrong, and what.
---@param module table
---@param item table
---@param text string
---@return string
function M.at(module, item, text)
  return ("stdlib/meta/%s.lua:%d: %s: %s"):format(module.name, item.line, item.name, text)
end

-- Names of classes and aliases, each defined once: name → module.
local function defined(modules, problem)
  local known = {}
  for _, module in ipairs(modules) do
    for _, item in ipairs(module.items) do
      if item.kind ~= "function" then
        if known[item.name] then problem(module, item, "defined twice: " .. item.name) end
        known[item.name] = module.name
      end
    end
  end
  return known
end

local function check_type(say, known, generics, text)
  local whole = types.each_name(text, function(name)
    if not known[name] and not generics[name] then say("no such type: " .. name) end
  end)
  if not whole then say("no type: " .. text) end
end

-- Codes of errors are written in backticks.
local function check_codes(say, result)
  if not result.type:find "Error" then return end
  for code in result.text:gmatch "`(%u[%u_]+)`" do
    if not errors.codes[code] then say("no such error code: " .. code) end
  end
end

local function check_text(say, what, one)
  if one.text == "" then say(("%s %s has no description"):format(what, one.name)) end
end

-- Each argument has an annotation, in the order of the arguments.
local function check_params(say, item)
  for i = 1, math.max(#item.args, #item.params) do
    local param = item.params[i]
    if (param and param.name) ~= item.args[i] then
      return say(("the arguments are (%s), not as annotated"):format(table.concat(item.args, ", ")))
    end
  end
end

local function check_function(say, known, item)
  if not item.doc[1] then say "has no description" end
  check_params(say, item)
  for _, param in ipairs(item.params) do
    check_text(say, "parameter", param)
    check_type(say, known, item.generics, param.type)
  end
  for _, result in ipairs(item.returns) do
    check_text(say, "result", result)
    check_type(say, known, item.generics, result.type)
    check_codes(say, result)
  end
  for _, overload in ipairs(item.overloads) do check_type(say, known, item.generics, overload) end
end

local function check_class(say, known, item)
  if not item.doc[1] then say "has no description" end
  if item.parent then check_type(say, known, {}, item.parent) end
  for _, field in ipairs(item.fields) do
    check_text(say, "field", field)
    check_type(say, known, {}, field.type)
  end
end

local function check_alias(say, known, item)
  if not item.doc[1] then say "has no description" end
  if item.type then check_type(say, known, {}, item.type) end
  if not item.type and #item.values == 0 then say "has neither a type nor values" end
end

local by_kind = { ["function"] = check_function, class = check_class, alias = check_alias }

local function check_example(problem, module)
  local class = module.class
  if not class then
    problem(module, module.items[1], "there is no class tidelock." .. module.name)
  elseif not table.concat(class.doc, "\n"):find "```lua\n" then
    problem(module, class, "the module has no example")
  end
end

-- The codes in the types are those that there are.
local function check_listed_codes(problem, module, item)
  if item.name ~= "tidelock.ErrorCode" then return end
  local listed = {}
  for _, one in ipairs(item.values) do
    local name = one.value:sub(2, -2)
    listed[name] = true
    local there = errors.codes[name]
    if not there then problem(module, item, "no such error code: " .. name)
    elseif there.meaning ~= one.text then problem(module, item, name .. " means: " .. there.meaning) end
  end
  for name in pairs(errors.codes) do
    if not listed[name] then problem(module, item, "does not list " .. name) end
  end
end

---@param modules table[] { name =, items =, class = }
---@return string[] problems
---@return table<string, string> known the module of each type
function M.check(modules)
  local problems = {}
  local function problem(...) problems[#problems + 1] = M.at(...) end
  local known = defined(modules, problem)
  for _, module in ipairs(modules) do
    check_example(problem, module)
    for _, item in ipairs(module.items) do
      by_kind[item.kind](function(text) problem(module, item, text) end, known, item)
      check_listed_codes(problem, module, item)
    end
  end
  return problems, known
end

return M
