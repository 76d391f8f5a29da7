-- tidelock.server.cors: the headers that let a page of another origin poll (the Fetch standard's
-- CORS). The listener decides which pages may send requests; these headers say which answers a
-- page may read.
local M = {}

local default_ports = { http = "80", https = "443" }

-- An origin as browsers write it: lower-case, without the scheme's default port.
local function canonical_origin(origin)
  local text = origin:lower()
  local scheme, rest, port = text:match("^(%a[%w+.-]*)://(.*):(%d+)$")
  if scheme and default_ports[scheme] == port then return scheme .. "://" .. rest end
  return text
end

local function matches_entry(entry, origin)
  if entry == origin then return true end
  local scheme, domain = entry:match("^(.-://)%*(%..+)$")
  return scheme ~= nil and origin:sub(1, #scheme) == scheme and #origin > #scheme + #domain and
    origin:sub(-#domain) == domain
end

---@class tidelock.server.Cors
local Cors = {}
Cors.__index = Cors

---@param allowed? string|string[] origins, or "*" for any, without credentials then
---@return tidelock.server.Cors
function M.new(allowed)
  local self = setmetatable({ entries = {} }, Cors)
  for _, entry in ipairs(type(allowed) == "string" and { allowed } or allowed or {}) do
    if entry == "*" then self.any = true end
    table.insert(self.entries, canonical_origin(entry))
  end
  return self
end

function Cors:names(origin)
  for _, entry in ipairs(self.entries) do
    if matches_entry(entry, origin) then return true end
  end
  return false
end

--- Adds the headers for an answer to a request from this origin.
---@param headers string[]
---@param origin? string
function Cors:add(headers, origin)
  if #self.entries == 0 then return end
  if origin and self:names(canonical_origin(origin)) then
    headers[#headers + 1] = "Access-Control-Allow-Origin: " .. origin
    headers[#headers + 1] = "Access-Control-Allow-Credentials: true"
  elseif self.any then
    headers[#headers + 1] = "Access-Control-Allow-Origin: *"
  end
  headers[#headers + 1] = "Vary: Origin"
end

--- The headers that answer a preflight: OPTIONS, sent by the browser before the request.
---@param asked table<string, string> the headers of the preflight
---@return string[]
function Cors:preflight(asked)
  local headers = { "Allow: GET, OPTIONS, POST" }
  self:add(headers, asked.origin)
  if #headers < 3 then return headers end -- no origin is allowed
  headers[#headers + 1] = "Access-Control-Allow-Methods: GET, POST"
  headers[#headers + 1] = "Access-Control-Max-Age: 600"
  local names = asked["access-control-request-headers"]
  if names then headers[#headers + 1] = "Access-Control-Allow-Headers: " .. names end
  if asked["access-control-request-private-network"] == "true" then
    headers[#headers + 1] = "Access-Control-Allow-Private-Network: true"
  end
  return headers
end

return M
