-- tidelock.http: requests that are waited for. See docs/http.md.
--
--   local res, err = http.get("https://example.org/api", { query = { page = 2 } })
--   if res and res.status == 200 then local value, why = res:json() end
--
-- Options are checked and joined here; what is on the wire is runtime/net/http.c's.
local core = require "tidelock.http.core"
local json = require "tidelock.json"
local checks = require "tidelock.options.core"
local status = require "tidelock.http.status"
local urls = require "tidelock.http.url"

---@type tidelock.http see meta/http.lua
local M = {}

-- --- options --------------------------------------------------------------------------------

local function fail(fmt, ...)
  local quoted = table.pack(...)
  for i = 1, quoted.n do
    if type(quoted[i]) == "string" then quoted[i] = checks.cut(quoted[i]) end
  end
  error("http: " .. fmt:format(table.unpack(quoted, 1, quoted.n)), 0)
end

local function of_type(want)
  return function(name, value)
    if type(value) ~= want then fail("%s must be a %s, not a %s", name, want, type(value)) end
  end
end

-- C would take it up to the zero byte.
local function whole(name, value)
  of_type("string")(name, value)
  if value:find("\0", 1, true) then fail("%s holds a zero byte", name) end
end

local function seconds(name, value)
  if type(value) ~= "number" or value <= 0 or value ~= value then
    fail("%s must be a number of seconds above 0", name)
  end
end

local function count(least, most)
  return function(name, value)
    if math.type(value) ~= "integer" or value < least or value > most then
      fail("%s must be a whole number from %d to %d", name, least, most)
    end
  end
end

local function body(_, value)
  if type(value) == "table" then fail("body must be a string: a table goes as json = {...}") end
  of_type("string")("body", value)
end

-- What each option must be. The first ones a client may have for all of its requests.
local common = {
  headers = of_type "table", query = of_type "table", timeout = seconds,
  connect_timeout = seconds, max_body = count(1, 1 << 53), redirects = count(0, 1000),
  expect = status.check, insecure = of_type "boolean", http2 = of_type "boolean",
  decompress = of_type "boolean",
}
for _, name in ipairs { "proxy", "ca", "cert", "key", "key_password", "pin", "ciphers" } do
  common[name] = whole
end
local of_request = { method = of_type "string", url = of_type "string", body = body,
  json = function() end }
local of_client = { base_url = of_type "string" }

-- What is handed over instead of a body looks like options.
local hint = ": a table as the body goes as json = {...}"
local takes_body = { post = hint, put = hint, patch = hint }

local function check(what, options, extra)
  if type(options) ~= "table" then fail("%s takes a table of options", what) end
  for name, value in pairs(options) do
    local checker = common[name] or extra[name]
    if not checker then
      local known = {}
      for key in pairs(common) do known[key] = true end
      for key in pairs(extra) do known[key] = true end
      local meant = checks.suggest(tostring(name), known)
      fail("%s has no option '%s'%s%s", what, tostring(name), meant, takes_body[what] or "")
    end
    checker(name, value)
  end
end

-- --- headers --------------------------------------------------------------------------------

-- Adds to `all`, by lower-case name; false takes a header of the client's away.
local function add_headers(all, headers)
  if not headers then return end
  local seen = {}
  for name, value in pairs(headers) do
    if type(name) ~= "string" then fail("headers are named by strings: { Name = \"value\" }") end
    local key = name:lower()
    if seen[key] then fail("the header %s is given twice: use a list of values", name) end
    seen[key] = true
    all[key] = value and { name = name, value = value }
  end
end

local function put_header(lines, name, value)
  local text = value
  if type(value) == "number" then text = urls.number(value) end
  if type(text) ~= "string" then
    fail("the header %s must be a string, not a %s", name, type(value))
  end
  lines[#lines + 1] = ("%s: %s"):format(name, text)
end

-- In the order of their names, so that equal requests are equal on the wire.
local function header_lines(all)
  local keys, lines = {}, {}
  if not next(all) then return lines end
  for key, header in pairs(all) do
    if header then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local name, value = all[key].name, all[key].value
    local list = urls.list(value)
    if not list then fail("the header %s must be a string or a list of them", name) end
    for _, one in ipairs(list) do put_header(lines, name, one) end
  end
  return lines
end

-- --- responses ------------------------------------------------------------------------------

local Response = {}
Response.__index = Response
Response.__name = "response"

function Response:json() return json.decode(self.body) end

-- --- requests -------------------------------------------------------------------------------

local known = { GET = true, HEAD = true, POST = true, PUT = true, PATCH = true, DELETE = true,
  OPTIONS = true }
local passed = { "timeout", "connect_timeout", "max_body", "redirects",
  "http2", "decompress", "insecure", "proxy", "ca", "cert", "key", "key_password", "pin", "ciphers" }

-- get and GET are one; methods that are not known go out as they are given.
local function method_of(options)
  local method = options.method or "GET"
  return known[method:upper()] and method:upper() or method
end

-- Returns true and the body, if any, whose type is added to the headers; or false, err.
local function body_of(options, headers)
  if options.json == nil then return true, options.body end
  if options.body then fail("body and json exclude each other") end
  local text, err = json.encode(options.json)
  if not text then return false, err end
  if headers["content-type"] == nil then
    headers["content-type"] = { name = "Content-Type", value = "application/json" }
  end
  return true, text
end

local function option(options, defaults, name)
  if options[name] ~= nil then return options[name] end
  return defaults[name]
end

-- Returns what the core takes, or nil, err.
local function build(what, options, defaults)
  check(what, options, of_request)
  if not options.url then fail("%s needs a url", what) end
  local url, at_home = urls.join(defaults.base_url, options.url)
  local headers = {}
  -- A client's headers may hold secrets: they go to the origin of its base_url alone.
  if at_home then add_headers(headers, defaults.headers) end
  add_headers(headers, options.headers)
  local ok, text = body_of(options, headers)
  if not ok then return nil, text end
  local request = { method = method_of(options), body = text, headers = header_lines(headers) }
  request.url = urls.with_query(url, at_home and defaults.query, options.query)
  for i = 1, #passed do
    local name = passed[i]
    local value = options[name]
    if value == nil then value = defaults[name] end
    request[name] = value
  end
  return request
end

-- Misuse is told with the place of the call. Public functions end in `return send(...)`, so
-- that their caller is two levels up from here.
local function send(what, options, defaults)
  local ok, request, err = pcall(build, what, options, defaults)
  if not ok then error(request, 2) end
  if not request then return nil, err end
  local res
  res, err = core.request(request)
  if not res then return nil, err end
  setmetatable(res, Response)
  local expect = option(options, defaults, "expect")
  if not expect or status.fits(res.status, expect) then return res end
  return nil, status.refuse(request.method, res)
end

-- The options of a verb: (url, options) or (url, body, options).
local function gather(what, method, url, first, second)
  local given = first
  if type(first) == "string" then given = second end
  if given == nil and first == nil then return { method = method, url = url } end
  if type(given or {}) ~= "table" then fail("%s takes a table of options", what) end
  local options = { method = method, url = url }
  for name, value in pairs(given or {}) do
    if options[name] ~= nil then fail("%s has no option '%s'", what, name) end
    options[name] = value
  end
  if type(first) ~= "string" then return options end
  if options.body ~= nil then fail("%s: the body is given twice", what) end
  options.body = first
  return options
end

local function send_verb(method, defaults, url, first, second)
  local what = method:lower()
  local ok, options = pcall(gather, what, method, url, first, second)
  if not ok then error(options, 2) end
  return send(what, options, defaults)
end

-- --- the doors ------------------------------------------------------------------------------

local none = {}

-- Starts a request and waits for its end.
function M.request(options) return send("request", options, none) end

local Client = {}
Client.__index = Client
Client.__name = "http client"

-- The defaults of a client, by client; it shows none of them, they may hold secrets.
local defaults_of = setmetatable({}, { __mode = "k" })

local function of(client)
  local defaults = defaults_of[client]
  if not defaults then error("call a client's functions with a colon: api:get(path)", 3) end
  return defaults
end

function Client:request(options)
  local defaults = of(self)
  return send("request", options, defaults)
end

for _, method in ipairs { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" } do
  M[method:lower()] = function(url, first, second)
    return send_verb(method, none, url, first, second)
  end
  Client[method:lower()] = function(self, url, first, second)
    local defaults = of(self)
    return send_verb(method, defaults, url, first, second)
  end
end

checks.strict("an http client", Client, "method")

local function copy(options)
  local result = {}
  for name, value in pairs(options) do result[name] = value end
  return result
end

-- An object with the same functions, as methods, and defaults for them.
function M.client(options)
  local ok, why = pcall(check, "client", options or none, of_client)
  if not ok then error(why, 2) end
  local client = setmetatable({}, Client)
  defaults_of[client] = copy(options or none)
  return client
end

return M
