-- Responses: those of servers, and those that middleware gives in their place.
local json = require "tidelock.json"
local link = require "tidelock.http.link"
local options = require "tidelock.http.options"
local urls = require "tidelock.http.url"

local Response = {}
Response.__index = Response
Response.__name = "response"

function Response:json() return json.decode(self.body) end

-- The links of the header Link (RFC 8288).
function Response:links() return link.of_response(self) end

-- The URL of the first link with a relation type, or nil.
function Response:link(rel) return link.url(self, rel) end

local M = { class = Response }

function M.is(value) return getmetatable(value) == Response end

local fields = { status = true, headers = true, body = true, url = true, version = true }

local function header_text(name, value)
  local text = type(value) == "number" and urls.number(value) or value
  if type(text) ~= "string" then
    options.misuse("the header %s of an answer must be a string or a list of them", name)
  end
  return text
end

-- As those of a server: by lower-case name, repeated ones joined.
local function shape_headers(given)
  local all = {}
  for name, value in pairs(given) do
    if type(name) ~= "string" then options.misuse "headers are named by strings: { Name = \"value\" }" end
    local key, texts = name:lower(), {}
    if all[key] then options.misuse("the header %s is given twice: use a list of values", name) end
    for i, one in ipairs(urls.list(value) or { {} }) do texts[i] = header_text(name, one) end
    all[key] = key == "set-cookie" and json.array(texts) or table.concat(texts, ", ")
  end
  return all
end

local function check_fields(given)
  if type(given) ~= "table" then options.misuse("an answer must be a table, not a %s", type(given)) end
  for name in pairs(given) do
    if not fields[name] then options.misuse("an answer has no field '%s'", tostring(name)) end
  end
  local status, body = given.status, given.body
  if math.type(status) ~= "integer" or status < 200 or status > 999 then
    options.misuse "the status of an answer must be a whole number from 200 to 999"
  end
  if body ~= nil and type(body) ~= "string" then
    options.misuse("the body of an answer must be a string, not a %s", type(body))
  end
  if type(given.headers or {}) ~= "table" then options.misuse "the headers of an answer must be a table" end
end

--- Returns new: the response for { status =, headers =, body = } to a request for `url`. Raises misuse.
function M.make(given, url)
  check_fields(given)
  return setmetatable({ status = given.status, headers = shape_headers(given.headers or {}),
    body = given.body or "", url = given.url or url, version = given.version or "1.1" }, Response)
end

return M
