-- The body of a request: a string, JSON, a form (WHATWG URL, 5.2) or parts (RFC 7578, as HTML has it).
local files_of = require "tidelock.fs.core"
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

-- The head of a part. A file without a type is bytes (HTML, "application/octet-stream").
local function part_head(part)
  local head = "Content-Disposition: form-data; name=" .. quote_name(whole_lines(part.name))
  local filename = part.filename or part.file and part.file:match "[^/]*$"
  if filename then head = head .. "; filename=" .. quote_name(filename) end
  local kind = part.type or filename and "application/octet-stream"
  if kind then head = head .. "\r\nContent-Type: " .. kind end
  return head .. "\r\n\r\n"
end

-- A body in the making: text, files between it, and how long it is with them.
local function put(made, text)
  made.text[#made.text + 1] = text
  made.length = made.length + #text
end

-- Returns true, or nil and an error.
local function put_file(made, path)
  local file, size = files_of.open(1, path)
  if not file then
    size.sent = "no"
    return nil, size
  end
  made.files = made.files or {}
  table.insert(made.files, file)
  table.insert(made.files, made.length)
  made.length = made.length + size
  return true
end

--- Returns the body, its type with the boundary, and the files that stand between its bytes: a list of an
--- open file and where it begins, for each; or nil, err. Waits until its files are open.
function M.multipart(parts)
  local list = urls.list(parts)
  if not list then options.misuse("multipart must be a list of parts: { { name =, body = }, ... }") end
  for i, part in ipairs(list) do check_part(i, part) end
  local boundary, made = "tidelock" .. random.hex(16), { text = {}, length = 0 }
  for _, part in ipairs(list) do
    put(made, "--" .. boundary .. "\r\n" .. part_head(part))
    if part.file then
      local ok, err = put_file(made, part.file)
      if not ok then return nil, err end
    else
      put(made, part.body)
    end
    put(made, "\r\n")
  end
  put(made, "--" .. boundary .. "--\r\n")
  return table.concat(made.text), "multipart/form-data; boundary=" .. boundary, made.files
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

-- Returns true, the body (nil: none) and the files in it, and adds its type to the headers; or false, err.
function M.of(given, all)
  if given.json == nil and not given.form and not given.multipart then return true, given.body end
  local name = given.json ~= nil and "json" or given.form and "form" or "multipart"
  check_only(given, name)
  local text, kind, files = makers[name](given[name])
  if not text then return false, kind end
  headers.add_standard(all, "Content-Type", kind)
  return true, text, files
end

return M
