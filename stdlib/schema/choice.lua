-- Schemas that choose among others: unions, tagged unions, and lazy ones, which are resolved when they
-- are first needed.
local checks = require "tidelock.options.core"
local container = require "tidelock.schema.container"
local core = require "tidelock.schema.core"
local issue = require "tidelock.schema.issue"
local scalar = require "tidelock.schema.scalar"

local M = {}

local FAIL = issue.FAIL

-- --- unions -----------------------------------------------------------------------------------

-- Whether a choice failed at the type of the value itself: then it was not meant.
local function is_far(issues)
  for _, each in ipairs(issues) do
    if each.path == "" and each.shape then return true end
  end
  return false
end

-- Marks issues with their choice: "2", or "2.1" where that is a union, too.
local function mark_choice(issues, choice)
  for _, each in ipairs(issues) do
    each.choice = each.choice and choice .. "." .. each.choice or tostring(choice)
  end
  return issues
end

local function near_ones(tries)
  local near = {}
  for i, issues in ipairs(tries) do
    if not is_far(issues) then near[#near + 1] = i end
  end
  return near
end

-- Adds the issues of the choice that was meant. If several may be meant, the issues of each, with the
-- choice in their message; if none is, a single issue.
local function add_issues_of_choices(tries, value, found, expects)
  local near = near_ones(tries)
  for _, i in ipairs(near) do
    local issues = mark_choice(tries[i], i)
    for _, each in ipairs(issues) do each.apart = each.apart or #near > 1 end
    if found.n < issue.MAX_ISSUES then issue.put(found, issues) end
  end
  if #near > 0 then return FAIL end
  return issue.other(found, expects, value)
end

local function union_run(choices, expects)
  return function(value, found, depth)
    local before, tries = found.n, {}
    for i = 1, #choices do
      local got = choices[i].run(value, found, depth)
      if got ~= FAIL then return got end
      tries[i] = issue.take(found, before)
    end
    return add_issues_of_choices(tries, value, found, expects)
  end
end

---The first of these schemas that the value fits.
---@param choices tidelock.Schema[]
---@return tidelock.Schema
function M.union(choices, none)
  checks.none("schema.union", none)
  if type(choices) ~= "table" or #choices == 0 then
    error("schema.union: a list of schemas is wanted", 2)
  end
  local names, seen, own = {}, {}, {}
  for i, choice in ipairs(choices) do
    own[i] = core.want(choice, ("choice %d of a union"):format(i))
    if not seen[choice.expects] then names[#names + 1] = choice.expects end
    seen[choice.expects] = true
  end
  local expects = table.concat(names, " or ")
  return core.new {
    kind = "union", expects = expects, choices = own, run = union_run(own, expects),
  }
end

-- --- tagged unions ----------------------------------------------------------------------------

-- The record with the field of the tag, so that the tag is kept.
local function with_tag(record, tag, value)
  if record.kind ~= "record" or record.fields[tag] then return record end
  return record:extend { [tag] = scalar.literal(value) }
end

local function in_order(map)
  local list = {}
  for value in pairs(map) do list[#list + 1] = value end
  table.sort(list, function(a, b) return tostring(a) < tostring(b) end)
  return list
end

local function wrong_tag(value, tag, found, expects)
  local before = found.n
  issue.other(found, expects, value[tag])
  issue.prefix(found, before, tag)
  return FAIL
end

---Records that are distinguished by one field: its value is a key of `choices`. A record without that
---field gets it.
---@param tag string
---@param choices table<string|number|boolean, tidelock.Schema>
---@return tidelock.Schema
function M.tagged_union(tag, choices, none)
  checks.none("schema.tagged_union", none)
  if type(tag) ~= "string" then error("schema.tagged_union: the tag is a string", 2) end
  if type(choices) ~= "table" then error("schema.tagged_union: records by tag are wanted", 2) end
  local own, values, names = {}, in_order(choices), {}
  for i, value in ipairs(values) do
    core.want(choices[value], ("the choice '%s'"):format(checks.cut(value)))
    own[value], names[i] = with_tag(choices[value], tag, value), issue.show(value)
  end
  local expects = table.concat(names, " or ")
  return core.new {
    kind = "tagged_union", expects = "object", tag = tag, choices = own, values = values,
    run = function(value, found, depth)
      if not container.is_object(value) then return issue.mismatch(found, "object", value) end
      local name = value[tag]
      local choice = name ~= nil and own[name]
      if not choice then return wrong_tag(value, tag, found, expects) end
      return choice.run(value, found, depth)
    end,
  }
end

-- --- lazy -------------------------------------------------------------------------------------

---A schema that fn returns when it is first needed, so that it may contain itself.
---@param fn fun(): tidelock.Schema
---@param name? string its name in json_schema
---@return tidelock.Schema
function M.lazy(fn, name, none)
  checks.none("schema.lazy", none)
  if type(fn) ~= "function" then error("schema.lazy wants a function that returns a schema", 2) end
  local schema
  local function resolve()
    schema = schema or core.want(fn(), "what the function of lazy returns")
    return schema
  end
  return core.new {
    kind = "lazy", expects = name or "value", resolve = resolve, name = name,
    run = function(value, found, depth)
      if depth > issue.MAX_DEPTH then return issue.enter(found, depth, 0) end
      return (schema or resolve()).run(value, found, depth)
    end,
  }
end

return M
