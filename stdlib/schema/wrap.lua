-- Schemas that wrap another one: optional, nullable, default, catch.
local container = require "tidelock.schema.container"
local core = require "tidelock.schema.core"
local issue = require "tidelock.schema.issue"
local json = require "tidelock.json"

local M = {}

local FAIL, null = issue.FAIL, json.null
local Schema = core.Schema

local function wrap_schema(inner, fields)
  fields.inner, fields.expects = inner, fields.expects or inner.expects
  return core.new(fields)
end

---@param inner tidelock.schema.Node
---@return tidelock.Schema
function M.optional(inner)
  local run = inner.run
  return wrap_schema(inner, {
    kind = "optional",
    run = function(value, found, depth)
      if value == nil or value == null then return nil end
      return run(value, found, depth)
    end,
  })
end

---May be absent, or null: then it is nil, and in an array json.null.
---@return tidelock.Schema
function Schema:optional() return M.optional(core.want(self, "what is optional")) end

---May be null, which stays json.null; or absent, for that is how null arrives in a record.
---@return tidelock.Schema
function Schema:nullable()
  local run = self.run
  return wrap_schema(self, {
    kind = "nullable", expects = self.expects .. " or null",
    run = function(value, found, depth)
      if value == nil or value == null then return value end
      return run(value, found, depth)
    end,
  })
end

-- Returns a function that gives a new copy of the value each time.
local function make_giver(value, expects)
  if type(value) == "function" then return function() return (core.call_without_waiting(value)) end end
  if not issue.is_container(value) then return function() return value end end
  if expects == "array" and next(value) == nil then return function() return json.array {} end end
  local function give() return container.copy(value, issue.start(), 1) end
  if give() == FAIL then error("schema: the value given holds itself, or is too large", 3) end
  return give
end

-- The value to use instead; a function must return one.
local function give_instead(give, value, found, what)
  local given = give()
  if given ~= nil or type(value) ~= "function" then return given end
  local text = ("the function of %s gave nothing"):format(what)
  return issue.broken(found, text, "nothing", text)
end

---An absent value or null becomes this value: a copy of it or, if it is a function, its result. It is
---not checked.
---@param value any
---@return tidelock.Schema
function Schema:default(value)
  local run, give = self.run, make_giver(value, self.expects)
  return wrap_schema(self, {
    kind = "default", value = value,
    run = function(given, found, depth)
      if given == nil or given == null then return give_instead(give, value, found, "default") end
      return run(given, found, depth)
    end,
  })
end

---A wrong or absent value becomes this one, as with default, without an issue. For words that a newer
---server may use and this script does not know.
---@param value any
---@return tidelock.Schema
function Schema:catch(value)
  local run, give = self.run, make_giver(value, self.expects)
  return wrap_schema(self, {
    kind = "catch", value = value,
    run = function(given, found, depth)
      local before = found.n
      local got = run(given, found, depth)
      if got ~= FAIL then return got end
      issue.take(found, before)
      return give_instead(give, value, found, "catch")
    end,
  })
end

return M
