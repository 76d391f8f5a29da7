-- The header Link (RFC 8288), read as its appendix B.2 says. Pure.
local core = require "tidelock.http.core"

local M = {}

-- Returns the text of a quoted string that begins at `at`, and where what follows it begins. One that is
-- not closed ends with the header.
local function read_quoted(text, at)
  local out = {}
  at = at + 1
  while true do
    local from, stop, plain, mark = text:find('^([^"\\]*)(["\\]?)', at)
    out[#out + 1] = plain
    if mark == "\\" then
      out[#out + 1] = text:sub(stop + 1, stop + 1)
      stop = stop + 1
    end
    at = stop + 1
    if mark == '"' or stop >= #text or from == nil then return table.concat(out), at end
  end
end

-- One parameter behind a semicolon at `at`.
local function read_parameter(text, at)
  local _, stop, name, equals = text:find("^;[ \t]*([^%s=;,]*)[ \t]*(=?)[ \t]*", at)
  at = stop + 1
  local value = ""
  if equals == "=" and text:find('^"', at) then
    value, at = read_quoted(text, at)
  elseif equals == "=" then
    _, stop, value = text:find("^([^;,]*)", at)
    value, at = value:match "^(.*[^ \t])" or "", stop + 1 -- `[ \t]+$` is quadratic
  end
  return name:lower(), value, text:find("[^ \t]", at) or #text + 1
end

-- The parameters up to the next comma; the first of a name counts.
local function read_parameters(text, at)
  local parameters = {}
  at = text:find("[^ \t]", at) or #text + 1
  while text:find("^;", at) do
    local name, value
    name, value, at = read_parameter(text, at)
    if name ~= "" and parameters[name] == nil then parameters[name] = value end
  end
  return parameters, text:find(",", at, true) or #text + 1
end

-- The links of a header: { target, parameters } each, in their order. What comes behind a mistake is
-- not read.
function M.parse(text)
  local links, at = {}, 1
  while true do
    at = text:find("[^%s,]", at)
    local _, stop, target = text:find("^<([^>]*)>", at or #text + 1)
    if not stop then return links end
    local link = { target = target }
    link.parameters, at = read_parameters(text, stop + 1)
    links[#links + 1] = link
  end
end

-- The links of a response: a list of { rel, url, ...parameters }, one for each relation type. A link
-- about another resource (anchor), or to what is no URL, is left out.
function M.of_response(res)
  local found = {}
  for _, link in ipairs(M.parse(res.headers.link or "")) do
    local url = not link.parameters.anchor and core.resolve(res.url, link.target)
    for rel in (url and link.parameters.rel or ""):gmatch "%S+" do
      local one = { url = url }
      for name, value in pairs(link.parameters) do one[name] = one[name] or value end
      one.rel = rel:lower()
      found[#found + 1] = one
    end
  end
  return found
end

-- The URL of the first link with that relation type, or nil.
function M.url(res, rel)
  for _, link in ipairs(M.of_response(res)) do
    if link.rel == rel:lower() then return link.url end
  end
  return nil
end

return M
