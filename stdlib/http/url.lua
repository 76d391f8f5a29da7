-- Joining URLs and writing queries (RFC 3986). Pure.
local M = {}

-- "https://example.org:8443" in lower case, or nil where the URL is relative.
local function origin(url)
  local scheme, authority = url:match "^(%a[%w+.-]*)://([^/?#]*)"
  if not scheme then return nil end
  scheme, authority = scheme:lower(), authority:lower()
  local usual = scheme == "https" and ":443" or ":80"
  if authority:sub(-#usual) == usual then authority = authority:sub(1, -#usual - 1) end
  return scheme .. "://" .. authority
end

-- A path is put behind the whole of base, as one joins folders: the leading / does not lead
-- out of "https://host/api". An absolute URL stands for itself. Returns the URL, and whether
-- it is of base's origin.
function M.join(base, url)
  if not base then return url, true end
  local elsewhere = origin(url)
  if elsewhere then return url, elsewhere == origin(base) end
  if url == "" or url:find "^[?#]" then return base .. url, true end
  return base:gsub("/+$", "") .. "/" .. url:gsub("^/+", ""), true
end

local function escape(text)
  return (text:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function add_pair(out, name, value)
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
    error(("http: the query's %s must be a string, number or boolean, not a %s")
      :format(name, kind), 0)
  end
  out[#out + 1] = escape(name) .. "=" .. escape(tostring(value))
end

-- "a=1&b=x&b=y" in the order of names; a list repeats its name.
function M.query(values)
  local names, out = {}, {}
  for name in pairs(values) do
    if type(name) ~= "string" then error("http: the query is named by strings", 0) end
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = values[name]
    if type(value) ~= "table" then value = { value } end
    for _, one in ipairs(value) do add_pair(out, name, one) end
  end
  return table.concat(out, "&")
end

local function merge(a, b)
  local all = {}
  for name, value in pairs(a or {}) do all[name] = value end
  for name, value in pairs(b or {}) do all[name] = value end
  return all
end

-- Adds to what the URL has, before its fragment; `own` goes over `standing`.
function M.with_query(url, standing, own)
  local text = M.query(merge(standing, own))
  if text == "" then return url end
  local rest, fragment = url:match "^([^#]*)(.*)$"
  local glue = not rest:find("?", 1, true) and "?" or rest:find "[?&]$" and "" or "&"
  return rest .. glue .. text .. fragment
end

-- For messages: without credentials, query and fragment.
function M.show(url)
  return (url:gsub("[?#].*", ""):gsub("//[^/]*@", "//"))
end

return M
