-- Responses: those of servers, and those that middleware gives in their place.
local core = require "tidelock.http.core"
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local link = require "tidelock.http.later" "tidelock.http.link"
local options = require "tidelock.http.options"
local urls = require "tidelock.http.url"

local Response = {}
Response.__index = Response
Response.__name = "response"

function Response:json()
  if not self.body then error("a streamed response has no body: read it with chunks() or lines()", 2) end
  return json.decode(self.body)
end

-- --- streams --------------------------------------------------------------------------------

-- Waits for the next piece of the body. A body that is there as a whole is one piece.
function Response:read()
  if self.stream then return core.read(self.stream) end
  if self.ended or self.body == "" then return nil end
  self.ended = true
  return self.body
end

-- Ends a stream, read or not. Harmless when it has ended.
function Response:close()
  if self.stream then core.close(self.stream) end
  self.ended = true
end

-- Closes the response where a loop over it ends: by break, by an error, by a cancelled task.
local function closer(res)
  return setmetatable({}, { __close = function() res:close() end })
end

-- A body that broke off must not look like one that ended.
local function next_chunk(res)
  local chunk, err = res:read()
  if err then error(err, 0) end
  return chunk
end

function Response:chunks() return next_chunk, self, nil, closer(self) end

local longest_line = 64 << 20 -- bytes

local function too_long(url)
  return errors.new { code = "TOO_LARGE", sent = "yes",
    message = ("a line of the body of %s exceeds %d bytes"):format(urls.show(url), longest_line) }
end

-- Reads until there is a whole line, or the body has ended. `parts`: the beginning of the line.
local function read_on(state, parts)
  local size = #parts[1]
  repeat
    local chunk = next_chunk(state.res)
    if not chunk then
      state.over = true
      break
    end
    parts[#parts + 1] = chunk
    size = size + #chunk
    if size > longest_line then error(too_long(state.res.url), 0) end
  until chunk:find("\n", 1, true)
  state.text, state.at = table.concat(parts), 1
end

local function next_line(state)
  local stop = state.text:find("\n", state.at, true)
  if not stop and not state.over then
    read_on(state, { state.text:sub(state.at) })
    stop = state.text:find("\n", 1, true)
  end
  local line = state.text:sub(state.at, stop and stop - 1)
  if not stop and line == "" then return nil end
  state.at = stop and stop + 1 or #state.text + 1
  if stop and line:byte(-1) == 13 then line = line:sub(1, -2) end
  return line
end

function Response:lines()
  return next_line, { res = self, text = "", at = 1 }, nil, closer(self)
end

-- --- answers --------------------------------------------------------------------------------

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

--- Makes a stream that was not expected a response with the beginning of its body.
function M.keep_excerpt(res)
  res.body = res:read() or ""
  res:close()
  res.stream = nil
end

--- Returns new: the response for { status =, headers =, body = } to a request for `url`. Raises misuse.
function M.make(given, url)
  check_fields(given)
  return setmetatable({ status = given.status, headers = shape_headers(given.headers or {}),
    body = given.body or "", url = given.url or url, version = given.version or "1.1" }, Response)
end

return M
