-- The body of a request: a string, JSON, a form (WHATWG URL, 5.2) or parts (RFC 7578, as HTML has it).
local fs = require "tidelock.fs"
local headers = require "tidelock.http.headers"
local json = require "tidelock.json"
local options = require "tidelock.http.options"
local random = require "tidelock.random"
local urls = require "tidelock.http.url"

local M = {}

-- --- forms ----------------------------------------------------------------------------------

local function escape_byte(byte) return ("%%%02X"):format(byte:byte()) end

local function escape_text(text)
  return (text:gsub("[^%w*%-._ ]", escape_byte):gsub(" ", "+"))
end

--- "a=1&b=x&b=y" in the order of names; a list repeats its name.
function M.form(values) return urls.pairs("form", values, escape_text) end

-- --- parts ----------------------------------------------------------------------------------

local marks = { ['"'] = "%22", ["\r"] = "%0D", ["\n"] = "%0A" }

local function quote_name(text) return '"' .. text:gsub('["\r\n]', marks) .. '"' end

-- HTML: a lone CR or LF within a name is a whole line end.
local function whole_lines(text)
  return (text:gsub("\r\n", "\n"):gsub("\r", "\n"):gsub("\n", "\r\n"))
end

local fields = { name = "string", filename = "string", type = "string", body = "string", file = "string" }

local function check_part(number, part)
  if type(part) ~= "table" then options.misuse("part %d of multipart must be a table", number) end
  for key, value in pairs(part) do
    local want = fields[key]
    if not want then options.misuse("part %d of multipart has no field '%s'", number, tostring(key)) end
    if type(value) ~= want then
      options.misuse("%s of part %d of multipart must be a %s, not a %s", key, number, want, type(value))
    end
  end
  if not part.name then options.misuse("part %d of multipart needs a name", number) end
  if (part.body == nil) == (part.file == nil) then
    options.misuse("part %d of multipart needs a body, or a file in its place", number)
  end
  if part.type and part.type:find "[%c]" then
    options.misuse("the type of part %d of multipart holds a control character", number)
  end
end

-- Returns the part with the bytes of its file, whose name it has unless it names another; or nil, err.
local function load_part(part)
  if not part.file then return part end
  local bytes, err = fs.read(part.file)
  if not bytes then
    err.sent = "no"
    return nil, err
  end
  return { name = part.name, type = part.type, body = bytes,
    filename = part.filename or part.file:match "[^/]*$" }
end

-- The head of a part. A file without a type is bytes (HTML, "application/octet-stream").
local function part_head(part)
  local head = "Content-Disposition: form-data; name=" .. quote_name(whole_lines(part.name))
  if part.filename then head = head .. "; filename=" .. quote_name(part.filename) end
  local kind = part.type or part.filename and "application/octet-stream"
  if kind then head = head .. "\r\nContent-Type: " .. kind end
  return head .. "\r\n\r\n"
end

--- Returns the body, and its type with the boundary; or nil, err. Waits for its files.
function M.multipart(parts)
  local list = urls.list(parts)
  if not list then options.misuse("multipart must be a list of parts: { { name =, body = }, ... }") end
  for i, part in ipairs(list) do check_part(i, part) end
  local boundary = "tidelock" .. random.hex(16)
  local out = {}
  for _, given in ipairs(list) do
    local part, err = load_part(given)
    if not part then return nil, err end
    out[#out + 1] = "--" .. boundary .. "\r\n" .. part_head(part)
    out[#out + 1] = part.body
    out[#out + 1] = "\r\n"
  end
  out[#out + 1] = "--" .. boundary .. "--\r\n"
  return table.concat(out), "multipart/form-data; boundary=" .. boundary
end

-- --- all kinds ------------------------------------------------------------------------------

local makers = {
  json = function(value)
    local text, err = json.encode(value)
    return text, text and "application/json" or err
  end,
  form = function(values) return M.form(values), "application/x-www-form-urlencoded" end,
  multipart = M.multipart,
}

local function check_only(given, name)
  if given.body then options.misuse("body and %s exclude each other", name) end
  for other in pairs(makers) do
    if other ~= name and given[other] ~= nil then
      options.misuse("%s and %s exclude each other", name < other and name or other,
        name < other and other or name)
    end
  end
end

-- Returns true and the body (nil: none), and adds its type to the headers; or false, err.
function M.of(given, all)
  if given.json == nil and not given.form and not given.multipart then return true, given.body end
  local name = given.json ~= nil and "json" or given.form and "form" or "multipart"
  check_only(given, name)
  local text, kind = makers[name](given[name])
  if not text then return false, kind end
  headers.add_standard(all, "Content-Type", kind)
  return true, text
end

return M
