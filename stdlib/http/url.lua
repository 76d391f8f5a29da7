-- Joining URLs and writing queries (RFC 3986). Pure.
local core = require "tidelock.http.core"
local checks = require "tidelock.options.core"

local M = {}

-- "/run/app.sock" and ":/target" or "" of unix:/run/app.sock:/target; nil for any other URL.
local function parts_of_unix(url)
  return url:match "^[uU][nN][iI][xX]:(/[^:]*)(.*)$"
end

-- "https://example.org:8443" in lower case, or nil where the URL is relative.
function M.origin(url)
  local socket = parts_of_unix(url)
  if socket then return "unix:" .. socket end
  local scheme, authority = url:match "^(%a[%w+.-]*)://([^/?#]*)"
  if not scheme then return nil end
  scheme, authority = scheme:lower(), authority:lower()
  local usual = scheme == "https" and ":443" or ":80"
  if authority:sub(-#usual) == usual then authority = authority:sub(1, -#usual - 1) end
  return scheme .. "://" .. authority
end

-- Text appended to unix:/run/app.sock belongs to its target, which begins with a colon.
local function with_target(url)
  local _, target = parts_of_unix(url)
  return target == "" and url .. ":/" or url
end

-- Appends a path to base as one joins folders: a leading / stays below "https://host/api". An absolute
-- URL is returned unchanged. Returns the URL, and whether it has the origin of base.
function M.join(base, url)
  if not base then return url, true end
  local elsewhere = M.origin(url)
  if elsewhere then return url, elsewhere == M.origin(base) end
  if url == "" then return base, true end
  base = with_target(base)
  if url:find "^[?#]" then return base .. url, true end
  return base:gsub("/+$", "") .. "/" .. url:gsub("^/+", ""), true
end

local function escape_text(text)
  return (text:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- A number as text: 5 for 5.0, all digits of a large one; nil for other values.
M.number = core.number

local function text_of(value)
  if type(value) == "number" then return M.number(value) end
  if type(value) == "string" or type(value) == "boolean" then return tostring(value) end
  return nil
end

local function add_pair(out, what, name, value, escape)
  local text = text_of(value)
  if not text then
    error(("http: the %s's %s must be a string, a finite number or a boolean, not %s")
      :format(what, checks.cut(name), type(value) == "number" and tostring(value) or "a " .. type(value)), 0)
  end
  out[#out + 1] = escape(name) .. "=" .. escape(text)
end

-- The list itself, or a list with the single value; nil for a table with other keys.
function M.list(value)
  if type(value) ~= "table" then return { value } end
  local count = 0
  for _ in pairs(value) do count = count + 1 end
  return count == #value and value or nil
end

-- "a=1&b=x&b=y" in the order of names, each escaped; a list repeats its name. `what` is called so in errors.
function M.pairs(what, values, escape)
  local names, out = {}, {}
  for name in pairs(values) do
    if type(name) ~= "string" then error(("http: the %s is named by strings"):format(what), 0) end
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local list = M.list(values[name])
    if not list then
      error(("http: the %s's %s must be a value or a list of values, not a table of names")
        :format(what, checks.cut(name)), 0)
    end
    for _, one in ipairs(list) do add_pair(out, what, name, one, escape) end
  end
  return table.concat(out, "&")
end

local function merge_queries(a, b)
  local all = {}
  for name, value in pairs(a or {}) do all[name] = value end
  for name, value in pairs(b or {}) do all[name] = value end
  return all
end

-- Adds queries to a URL, before its fragment; `own` takes precedence over `standing`.
function M.with_query(url, standing, own)
  if not standing and not own then return url end
  local text = M.pairs("query", merge_queries(standing, own), escape_text)
  if text == "" then return url end
  local rest, fragment = with_target(url):match "^([^#]*)(.*)$"
  local glue = not rest:find("?", 1, true) and "?" or rest:find "[?&]$" and "" or "&"
  return rest .. glue .. text .. fragment
end

-- For messages: without credentials, query and fragment.
function M.show(url)
  return (url:gsub("[?#].*", ""):gsub("//[^/]*@", "//"))
end

return M
