-- tidelock.server.router: patterns of paths; finds the route of a request. Plain Lua.
--
-- A segment of a pattern may be a parameter: "/projects/:id". The last may be "*name", which takes the
-- rest of the path. Parameters are decoded. The first matching route in the order of adding wins.
local checks = require "tidelock.options.core"

local M = {}

local Router = {}
Router.__index = Router

---Decodes %XX; malformed sequences stay as they are.
---@param text string
---@param plus? boolean "+" means a space, as in queries
---@return string
function M.decode(text, plus)
  if plus then text = text:gsub("+", " ") end
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

---Reads "a=1&b=2" into a table; the last value of a name counts.
---@param text string
---@return table<string, string>
function M.query(text)
  local query, n = {}, 0
  for pair in text:gmatch("[^&]+") do
    n = n + 1
    if n > 1000 then break end
    local name, value = pair:match("^([^=]*)=?(.*)$")
    query[M.decode(name, true)] = M.decode(value, true)
  end
  return query
end

-- The segments of a path; a slash at the end is ignored, except for the root.
local function split_path(path)
  local segments = {}
  for segment in path:gmatch("/([^/]*)") do segments[#segments + 1] = segment end
  if #segments > 1 and segments[#segments] == "" then segments[#segments] = nil end
  return segments
end

local function compile_pattern(pattern)
  local segments = split_path(pattern)
  for i, segment in ipairs(segments) do
    local kind, name = segment:match("^([:*])([%a_][%w_]*)$")
    if kind == "*" and i < #segments then
      error(("pattern %q: *%s must come last"):format(checks.cut(pattern), checks.cut(name)), 4)
    end
    if not kind and segment:find("[:*]") then
      error(("pattern %q: a name is a whole segment, like /:id"):format(checks.cut(pattern)), 4)
    end
    segments[i] = kind and { kind = kind, name = name } or segment
  end
  return segments
end

local function match_path(pattern, segments)
  local params, n = {}, #pattern
  for i, want in ipairs(pattern) do
    local have = segments[i]
    if type(want) == "string" then
      if have ~= want then return nil end
    elseif want.kind == "*" then
      params[want.name] = M.decode(table.concat(segments, "/", i))
      return params
    else
      if not have or have == "" then return nil end
      params[want.name] = M.decode(have)
    end
  end
  return #segments == n and params or nil
end

---@return tidelock.server.Router
function M.new() return setmetatable({ routes = {} }, Router) end

---@class tidelock.server.Router
---@param method string upper-case, or "*" for any
---@param pattern string begins with "/"
---@param target any the result of `find`
function Router:add(method, pattern, target)
  if type(pattern) ~= "string" or pattern:sub(1, 1) ~= "/" then
    error('a pattern begins with "/"', 3)
  end
  table.insert(self.routes, { method = method, segments = compile_pattern(pattern), target = target })
end

---The methods of all routes.
---@return string[]
function Router:methods()
  local list, seen = { "OPTIONS" }, { OPTIONS = true, ["*"] = true }
  local function add(method)
    if not seen[method] then list[#list + 1] = method end
    seen[method] = true
  end
  for _, route in ipairs(self.routes) do
    add(route.method)
    if route.method == "GET" then add "HEAD" end
  end
  table.sort(list)
  return list
end

---Finds the target for a request. HEAD is served by GET.
---@param method string
---@param path string
---@return any target nil when there is none
---@return table params or, without a target, the list of methods that the path has
function Router:find(method, path)
  local segments, allowed, seen = split_path(path), {}, {}
  for _, route in ipairs(self.routes) do
    local params = match_path(route.segments, segments)
    if params then
      local fits = route.method == method or route.method == "*" or
        (method == "HEAD" and route.method == "GET")
      if fits then return route.target, params end
      if not seen[route.method] then allowed[#allowed + 1] = route.method end
      seen[route.method] = true
    end
  end
  if seen.GET and not seen.HEAD then allowed[#allowed + 1] = "HEAD" end
  table.sort(allowed)
  return nil, allowed
end

return M
