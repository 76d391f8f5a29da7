-- Validators: the ETag of what a request gives, and the conditions that name one (RFC 9110, 13.1).
local crypto = require "tidelock.crypto"
local json = require "tidelock.json"

local M = {}

-- The same text for the same value, whatever the order of a table's fields.
local function write_value(value, out)
  if type(value) ~= "table" then
    out[#out + 1] = value == json.null and "null" or type(value):sub(1, 1) .. tostring(value)
    return
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  out[#out + 1] = "{"
  for _, name in ipairs(names) do
    out[#out + 1] = ("%q"):format(tostring(name))
    write_value(value[name], out)
  end
  out[#out + 1] = "}"
end

---@param value any
---@return string tag strong, with its quotes
function M.of(value)
  local out = {}
  write_value(value, out)
  return M.of_bytes(table.concat(out, "\0"))
end

---@param bytes string
---@return string tag
function M.of_bytes(bytes) return '"' .. crypto.sha256(bytes):sub(1, 32) .. '"' end

---Whether a list of tags names this one. Weak tags fit in a weak comparison only.
---@param list? string a header, "*" or tags
---@param tag string
---@param weak? boolean
---@return boolean
function M.names(list, tag, weak)
  if not list then return false end
  if list:match "^%s*%*%s*$" then return true end
  for mark, each in list:gmatch '(W?/?)("[^"]*")' do
    if each == tag and (mark == "" or (weak and mark == "W/")) then return true end
  end
  return false
end

return M
