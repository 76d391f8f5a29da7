-- The formats that strings may be asked to have. Each is a function text → boolean, in time
-- proportional to the text's length.
local date = require "tidelock.date.rfc3339"

local M = {}

-- A name of labels (RFC 1123), or of letters beyond ASCII (RFC 6531 lets them stand).
local function is_host(text)
  if #text == 0 or #text > 253 then return false end
  for label in (text .. "."):gmatch "([^.]*)%." do
    local right = #label <= 63 and label:find "^[%w\128-\255-]+$"
    if not right or label:find "^-" or label:find "-$" then return false end
  end
  return true
end

-- An address as people have them (RFC 5321 without quotes and comments).
function M.email(text)
  if #text > 254 then return false end
  local name, host = text:match "^([^@]+)@([^@]+)$"
  if not name or #name > 64 or not host:find(".", 1, true) then return false end
  if not name:find "^[%w\128-\255!#$%%&'*+/=?^_`{|}~.-]+$" then return false end
  return not name:find "^%." and not name:find "%.$" and not name:find("..", 1, true)
    and is_host(host)
end

local function is_port(text)
  return text == "" or (#text <= 6 and text:find "^:%d+$" and tonumber(text:sub(2)) <= 65535)
end

-- Of http, https, ws, wss: with a host, without blanks and control characters (RFC 3986).
function M.url(text)
  if text:find "[%s%c\127<>\"\\^`{|}]" then return false end
  local scheme, authority = text:match "^(%a[%w+.-]*)://([^/?#]+)"
  if not scheme or not ({ http = 1, https = 1, ws = 1, wss = 1 })[scheme:lower()] then return false end
  authority = authority:gsub("^.*@", "")
  local literal, port = authority:match "^%[([%x:.]+)%](.*)$"
  if literal then return is_port(port) and true or false end
  local host, rest = authority:match "^([^:]*)(.*)$"
  return is_host((host:gsub("%.$", ""))) and is_port(rest) and true or false
end

-- RFC 9562, of any version.
local uuid = ("x"):rep(8) .. "%-xxxx%-xxxx%-xxxx%-" .. ("x"):rep(12)
uuid = "^" .. uuid:gsub("x", "%%x") .. "$"
function M.uuid(text) return text:find(uuid) ~= nil end

-- RFC 3339; the text stays a text.
M["date-time"] = function(text) return date.parse(text) ~= nil end

return M
