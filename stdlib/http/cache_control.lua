-- The header Cache-Control (RFC 9111, 5.2). Pure.
local M = {}

local function unquote(text) return (text:gsub("\\(.)", "%1")) end

-- The directives by lower-case name: their argument as text, or true. The first of a name counts
-- (RFC 9111, 4.2.1). A quoted comma splits nothing; what is no directive is passed over.
function M.parse(text)
  local found, at = {}, 1
  text = text or ""
  while at <= #text do
    local _, stop, name = text:find("^[%s,]*([^%s,=;]*)[ \t]*", at)
    at = stop + 1
    local value = true
    if text:find("^=", at) then
      local from, quoted
      from, stop, quoted = text:find('^=[ \t]*"(.-[^\\])"', at)
      if not from then from, stop, quoted = text:find('^=[ \t]*"()"', at) end
      if from then value = type(quoted) == "string" and unquote(quoted) or ""
      else _, stop, value = text:find("^=[ \t]*([^%s,]*)", at) end
      at = stop + 1
    end
    name = name:lower()
    if name ~= "" and found[name] == nil then found[name] = value end
    at = text:find(",", at, true) or #text + 1
  end
  return found
end

-- A number of seconds in digits, 2^31 at most; nil for what is none (RFC 9111, 1.2.2).
function M.seconds(value)
  if type(value) ~= "string" or not value:find "^%d+$" then return nil end
  return math.min(tonumber(value), 2147483648)
end

return M
