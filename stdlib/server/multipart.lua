-- tidelock.server.multipart: reads the bodies that forms with files are sent as (multipart/form-data, RFC
-- 7578). Whatever the client sends, the work is in proportion to its bytes, and the parts are bounded.
local errors = require "tidelock.errors"
local checks = require "tidelock.options.core"

local M = {}

local MAX_BOUNDARY = 70 -- characters (RFC 2046, 5.1.1)
local MAX_HEADERS = 16 -- of a part
local defaults = { max_parts = 100, max_head = 8 * 1024, max_part = math.huge }

local function fail(code, fmt, ...)
  error(errors.new { code = code, message = "multipart: " .. fmt:format(...) }, 0)
end

-- --- headers --------------------------------------------------------------------------------

-- Reads `a; name="x"; filename=y`: the first word in small letters, and the parameters. Browsers write a
-- quote in a name as %22, others as \"; any other backslash means itself.
local function read_parameters(text)
  local word, rest = text:match "^%s*([^;]*)(.*)$"
  local found = {}
  while rest:find "%S" do
    local name, at = rest:match "^%s*;%s*([%w%-_*!#$&+.^`|~]+)%s*=%s*()"
    if not name then
      if not rest:match "^%s*;%s*$" then fail("INVALID", "a header cannot be read") end
      break
    end
    name = name:lower()
    if found[name] then fail("INVALID", "%s is there twice", name) end
    found[name], rest = M.read_value(rest, at)
  end
  return (word:match "^(.*%S)" or ""):lower(), found
end

-- The value at a place, quoted or not, and what follows it.
function M.read_value(text, at)
  if text:sub(at, at) ~= '"' then
    local value, rest = text:match("^([^;%s]*)%s*(.*)$", at)
    return value, rest
  end
  local from, last = at + 1, at
  repeat
    last = text:find('"', last + 1, true)
    if not last then fail("INVALID", "a quote is not closed") end
  until text:sub(last - 1, last - 1) ~= "\\" or last == from
  return text:sub(from, last - 1):gsub('\\"', '"'), text:sub(last + 1)
end

local function decode_name(text)
  return (text:gsub("%%22", '"'):gsub("%%0[Dd]", "\r"):gsub("%%0[Aa]", "\n"))
end

-- The last part of a path, without control characters; nil where nothing is left of it.
local function file_name(text)
  if not text then return nil end
  local name = decode_name(text):gsub("^.*[/\\]", ""):gsub("%c", "")
  if name == "" or name == "." or name == ".." or not utf8.len(name) then return nil end
  return name
end

local function read_head(text)
  local headers, count = {}, 0
  for line in (text .. "\r\n"):gmatch "(.-)\r\n" do
    local name, value = line:match "^([%w!#$%%&'*+.^_`|~-]+):%s*(.*)$"
    value = value and value:match "^(.*%S)" or ""
    if not name or value:find "%c" then fail("INVALID", "a part has a header that cannot be read") end
    count, name = count + 1, name:lower()
    if count > MAX_HEADERS then fail("TOO_LARGE", "a part has more than %d headers", MAX_HEADERS) end
    if headers[name] then fail("INVALID", "a part has the header %s twice", name) end
    headers[name] = value
  end
  return headers
end

local encodings = { ["7bit"] = true, ["8bit"] = true, binary = true }

local function describe_part(headers)
  local kind, found = read_parameters(headers["content-disposition"] or "")
  if kind ~= "form-data" or not found.name then fail("INVALID", "a part has no name") end
  local type = (headers["content-type"] or "text/plain"):lower()
  if type:find "^multipart/" then fail("INVALID", "a part has parts of its own") end
  local coded = headers["content-transfer-encoding"]
  if coded and not encodings[coded:lower()] then fail("UNSUPPORTED", "a part is encoded as %s", coded) end
  return {
    name = decode_name(found.name), filename = file_name(found.filename),
    is_file = found.filename ~= nil, type = headers["content-type"], headers = headers,
  }
end

-- --- parts ----------------------------------------------------------------------------------

-- The boundary in a Content-Type.
local function boundary_of(content_type)
  local kind, found = read_parameters(content_type or "")
  if kind ~= "multipart/form-data" then fail("UNSUPPORTED", "the body is no multipart/form-data") end
  local boundary = found.boundary
  if not boundary or boundary == "" then fail("INVALID", "the Content-Type has no boundary") end
  if #boundary > MAX_BOUNDARY or boundary:find "[^%w'()+_,%-./:=? ]" or boundary:find " $" then
    fail("INVALID", "the boundary is none")
  end
  return boundary
end

-- The next line that is a boundary, from a place: where it begins, what comes behind it, whether it is the
-- last. The same characters with more behind them are content.
local function find_boundary(body, line, at)
  while true do
    local from, to = body:find(line, at, true)
    if not from then fail("INVALID", "the body ends before its last boundary") end
    if body:sub(to + 1, to + 2) == "--" then return from, to + 3, true end
    local behind = body:match("^[ \t]*\r\n()", to + 1)
    if behind then return from, behind, false end
    at = to + 1
  end
end

-- Reads the head of the part at a place: its headers, and where its body begins.
local function take_head(body, at, limits)
  local text = body:sub(at, at + limits.max_head + 3)
  local stop = text:find("\r\n\r\n", 1, true)
  if not stop then
    fail(#text > limits.max_head and "TOO_LARGE" or "INVALID", "the headers of a part do not end")
  end
  return read_head(text:sub(1, stop - 1)), at + stop + 3
end

local function read_parts(body, boundary, limits)
  local line, parts = "\r\n--" .. boundary, {}
  local first = body:sub(1, #line - 2) == line:sub(3)
  local _, at, last = find_boundary(body, first and line:sub(3) or line, 1)
  while not last do
    if #parts >= limits.max_parts then fail("TOO_LARGE", "more than %d parts", limits.max_parts) end
    local headers, from = take_head(body, at, limits)
    local part = describe_part(headers)
    local stop, behind, ended = find_boundary(body, line, from - 2) -- an empty body: the head's line end
    at, last = behind, ended
    part.body = body:sub(from, stop - 1)
    if #part.body > limits.max_part then
      fail("TOO_LARGE", "the part %s has more than %d bytes", checks.cut(part.name), limits.max_part)
    end
    parts[#parts + 1] = part
  end
  return parts
end

---@param content_type? string of the request
---@param body string
---@param limits? { max_parts?: integer, max_part?: integer, max_head?: integer }
---@return tidelock.server.Part[]? parts
---@return tidelock.Error? err UNSUPPORTED, INVALID or TOO_LARGE
function M.parse(content_type, body, limits)
  checks.check("req.multipart", limits, { "max_head", "max_part", "max_parts" })
  local all = setmetatable({}, { __index = defaults })
  for name, value in pairs(limits or {}) do all[name] = value end
  local ok, parts = pcall(function() return read_parts(body, boundary_of(content_type), all) end)
  if ok then return parts end
  if type(parts) ~= "table" and type(parts) ~= "userdata" then error(parts, 0) end
  return nil, parts
end

return M
