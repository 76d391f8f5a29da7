-- Jars of cookies (RFC 6265), which requests name. The core has them (runtime/resource/cookie_jars.c): a jar
-- is its script's, by its name, whatever generation asks for it.
local checks = require "tidelock.options.core"
local core = require "tidelock.http.core"

local M = {}

local Jar = {}

-- The name of each jar, and whether it is kept: outside its table, which is the script's.
local told = setmetatable({}, { __mode = "k" })

local function jar_of(jar, method)
  return told[jar] or error(("call it with a colon: jar:%s()"):format(method), 3)
end

-- What the jar has, the oldest first.
function Jar:list()
  local jar = jar_of(self, "list")
  return core.cookies(jar.name, jar.persist)
end

-- Forgets all cookies, on disk, too.
function Jar:clear()
  local jar = jar_of(self, "clear")
  core.clear(jar.name, jar.persist)
end

local handle = { __index = checks.strict("a jar of cookies", Jar, "method"), __name = "jar of cookies" }

-- What is wrong with the name of a jar, or nil.
local function name_problem(name)
  if type(name) ~= "string" then return ("must be a string, not a %s"):format(type(name)) end
  if not name:find "^[%w._-]+$" or #name > 64 then
    return ('"%s" must have 1 to 64 letters, digits, dots, underscores and hyphens'):format(checks.cut(name))
  end
  return nil
end

--- Returns the jar of a name, by default the one of `cookies = true`. Raises misuse at the caller's caller.
function M.new(name, options)
  local problem = name ~= nil and name_problem(name)
  if problem then error("http.cookies: the name " .. problem, 3) end
  checks.check("http.cookies", options, { "persist" }, 3)
  local persist = options and options.persist
  if type(persist) ~= "boolean" and persist ~= nil then
    error("http.cookies: persist must be a boolean", 3)
  end
  local jar = setmetatable({}, handle)
  told[jar] = { name = name or "default", persist = persist or false }
  return jar
end

--- What is wrong with the option of a request, or nil.
function M.problem(value)
  if type(value) == "boolean" or told[value] then return nil end
  if type(value) ~= "string" then
    return ("must be true, the name of a jar or what http.cookies gave, not a %s"):format(type(value))
  end
  return name_problem(value)
end

--- The name of the jar that the option means, and whether it is kept.
function M.meant(value)
  local jar = told[value]
  if jar then return jar.name, jar.persist end
  return value == true and "default" or value, false
end

return M
