-- tidelock.http: HTTP requests; a call waits for the response. See docs/http.md.
--
--   local res, err = http.get("https://example.org/api", { query = { page = 2 } })
--   if res and res.status == 200 then local value, why = res:json() end
--
-- Options are checked and merged here; runtime/net/http.c sends the requests.
local core = require "tidelock.http.core"
local json = require "tidelock.json"
local checks = require "tidelock.options.core"
local answers = require "tidelock.http.answer"
local link = require "tidelock.http.link"
local pages = require "tidelock.http.pages"
local status = require "tidelock.http.status"
local urls = require "tidelock.http.url"

---@type tidelock.http see meta/http.lua
local M = {}

-- --- options --------------------------------------------------------------------------------

local function raise_misuse(fmt, ...)
  local quoted = table.pack(...)
  for i = 1, quoted.n do
    if type(quoted[i]) == "string" then quoted[i] = checks.cut(quoted[i]) end
  end
  error("http: " .. fmt:format(table.unpack(quoted, 1, quoted.n)), 0)
end

local function type_checker(want)
  return function(name, value)
    if type(value) ~= want then raise_misuse("%s must be a %s, not a %s", name, want, type(value)) end
  end
end

-- A C string ends at a zero byte.
local function check_text(name, value)
  type_checker("string")(name, value)
  if value:find("\0", 1, true) then raise_misuse("%s holds a zero byte", name) end
end

local function number_checker(rule)
  return function(name, value)
    local problem = checks.number_problem(value, rule)
    local seconds = rule.above and "must be a number of seconds above 0: it " or ""
    if problem then raise_misuse("%s %s%s", name, seconds, problem) end
  end
end

local function check_body(_, value)
  if type(value) == "table" then raise_misuse("body must be a string: a table goes as json = {...}") end
  type_checker("string")("body", value)
end

-- The checker of each option. Those in `common` may be a client's defaults too.
local common = {
  headers = type_checker "table", query = type_checker "table", insecure = type_checker "boolean",
  http2 = type_checker "boolean", decompress = type_checker "boolean", expect = status.check,
  timeout = number_checker { above = true, huge = true },
  connect_timeout = number_checker { above = true, most = 86400 },
  max_body = number_checker { least = 1, most = 1 << 53, whole = true },
  value = type_checker "boolean",
  redirects = number_checker { most = 1000, whole = true },
}
for _, name in ipairs { "proxy", "ca", "cert", "key", "key_password", "pin", "ciphers" } do
  common[name] = check_text
end
local of_request = { method = type_checker "string", url = type_checker "string", body = check_body,
  json = function() end }
local of_client = { base_url = type_checker "string" }

-- A table in the place of the body looks like options.
local hint = ": a table as the body goes as json = {...}"
local takes_body = { post = hint, put = hint, patch = hint }

local function check_options(what, options, extra)
  if type(options) ~= "table" then raise_misuse("%s takes a table of options", what) end
  for name, value in pairs(options) do
    local checker = common[name] or extra[name]
    if not checker then
      local known = {}
      for key in pairs(common) do known[key] = true end
      for key in pairs(extra) do known[key] = true end
      local meant = checks.suggest(tostring(name), known)
      raise_misuse("%s has no option '%s'%s%s", what, tostring(name), meant, takes_body[what] or "")
    end
    checker(name, value)
  end
end

-- --- headers --------------------------------------------------------------------------------

-- Adds headers to `all`, by lower-case name; false removes a header of the client.
local function add_headers(all, headers)
  if not headers then return end
  local seen = {}
  for name, value in pairs(headers) do
    if type(name) ~= "string" then raise_misuse("headers are named by strings: { Name = \"value\" }") end
    local key = name:lower()
    if seen[key] then raise_misuse("the header %s is given twice: use a list of values", name) end
    seen[key] = true
    all[key] = value and { name = name, value = value }
  end
end

local function put_header(lines, name, value)
  local text = value
  if type(value) == "number" then text = urls.number(value) end
  if type(text) ~= "string" then
    raise_misuse("the header %s must be a string, not a %s", name, type(value))
  end
  lines[#lines + 1] = ("%s: %s"):format(name, text)
end

-- Sorted by name, so that equal requests are equal on the wire.
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
    if not list then raise_misuse("the header %s must be a string or a list of them", name) end
    for _, one in ipairs(list) do put_header(lines, name, one) end
  end
  return lines
end

-- --- responses ------------------------------------------------------------------------------

local Response = {}
Response.__index = Response
Response.__name = "response"

function Response:json() return json.decode(self.body) end

-- The links of the header Link (RFC 8288).
function Response:links() return link.of_response(self) end

-- The URL of the first link with a relation type, or nil.
function Response:link(rel) return link.url(self, rel) end

-- --- requests -------------------------------------------------------------------------------

local known = { GET = true, HEAD = true, POST = true, PUT = true, PATCH = true, DELETE = true,
  OPTIONS = true }
local passed = { "timeout", "connect_timeout", "max_body", "redirects",
  "http2", "decompress", "insecure", "proxy", "ca", "cert", "key", "key_password", "pin", "ciphers" }

-- Known methods in capitals; others unchanged.
local function method_of(options)
  local method = options.method or "GET"
  return known[method:upper()] and method:upper() or method
end

-- Returns true and the body, and adds its type to the headers; or false, err.
local function body_of(options, headers)
  if options.json == nil then return true, options.body end
  if options.body then raise_misuse("body and json exclude each other") end
  local text, err = json.encode(options.json)
  if not text then return false, err end
  if headers["content-type"] == nil then
    headers["content-type"] = { name = "Content-Type", value = "application/json" }
  end
  return true, text
end

local function option_of(options, defaults, name)
  if options[name] ~= nil then return options[name] end
  return defaults[name]
end

-- Returns the request for the core, or nil, err.
local function build_request(what, options, defaults)
  check_options(what, options, of_request)
  if not options.url then raise_misuse("%s needs a url", what) end
  local url, at_home = urls.join(defaults.base_url, options.url)
  local headers = {}
  -- A client's headers may hold secrets: they are sent only to the origin of its base_url.
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

-- Misuse is raised at the line of the call. Public functions end in `return send_request(...)`, so that
-- their caller is two levels up.
local function send_request(what, options, defaults)
  local ok, request, err = pcall(build_request, what, options, defaults)
  if not ok then error(request, 2) end
  if not request then return nil, err end
  local res
  res, err = core.request(request)
  if not res then return nil, err end
  setmetatable(res, Response)
  local expect = option_of(options, defaults, "expect")
  if expect and not status.fits(res.status, expect) then return nil, status.refuse(request.method, res) end
  if not option_of(options, defaults, "value") then return res end
  local value, why = answers.value(request.method, res)
  if value == nil then return nil, why end
  return value, res
end

-- The options of a verb: (url, options) or (url, body, options).
local function gather_options(what, method, url, first, second)
  local given = first
  if type(first) == "string" then given = second end
  if given == nil and first == nil then return { method = method, url = url } end
  if type(given or {}) ~= "table" then raise_misuse("%s takes a table of options", what) end
  local options = { method = method, url = url }
  for name, value in pairs(given or {}) do
    if options[name] ~= nil then raise_misuse("%s has no option '%s'", what, name) end
    options[name] = value
  end
  if type(first) ~= "string" then return options end
  if options.body ~= nil then raise_misuse("%s: the body is given twice", what) end
  options.body = first
  return options
end

local function send_verb(method, defaults, url, first, second)
  local what = method:lower()
  local ok, options = pcall(gather_options, what, method, url, first, second)
  if not ok then error(options, 2) end
  return send_request(what, options, defaults)
end

-- --- pages ----------------------------------------------------------------------------------

-- The options of a list: those of a GET, and `paging`. Its responses are read here, so that `value` and
-- `expect` have no meaning.
local function gather_pages(what, url, options, defaults)
  local all = gather_options(what, "GET", url, options)
  local paging = pages.check(all.paging)
  all.paging = nil
  check_options(what, all, of_request)
  all.value, all.expect = false, false
  return all, paging, urls.origin(urls.join(defaults.base_url, url))
end

-- `iterate` is pages.pages or pages.items.
local function walk_pages(what, iterate, defaults, url, options)
  local ok, all, paging, origin = pcall(gather_pages, what, url, options, defaults)
  if not ok then error(all, 2) end
  return iterate(function(one) return send_request(what, one, defaults) end, all, paging, origin)
end

-- --- interface ------------------------------------------------------------------------------

local none = {}

-- Sends a request and waits for the response.
function M.request(options) return send_request("request", options, none) end

local Client = {}
Client.__index = Client
Client.__name = "http client"

-- The defaults of each client: outside its table, since they may hold secrets.
local defaults_of = setmetatable({}, { __mode = "k" })

local function defaults_for(client)
  local defaults = defaults_of[client]
  if not defaults then error("call a client's functions with a colon: api:get(path)", 3) end
  return defaults
end

function Client:request(options)
  local defaults = defaults_for(self)
  return send_request("request", options, defaults)
end

for _, method in ipairs { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" } do
  M[method:lower()] = function(url, first, second)
    return send_verb(method, none, url, first, second)
  end
  Client[method:lower()] = function(self, url, first, second)
    local defaults = defaults_for(self)
    return send_verb(method, defaults, url, first, second)
  end
end

for name, iterate in pairs { pages = pages.pages, items = pages.items } do
  M[name] = function(url, options) return walk_pages(name, iterate, none, url, options) end
  Client[name] = function(self, url, options)
    local defaults = defaults_for(self)
    return walk_pages(name, iterate, defaults, url, options)
  end
end

checks.strict("an http client", Client, "method")

local function copy_options(options)
  local result = {}
  for name, value in pairs(options) do result[name] = value end
  return result
end

-- Returns a client: the functions above as methods, with default options.
function M.client(options)
  local ok, why = pcall(check_options, "client", options or none, of_client)
  if not ok then error(why, 2) end
  local client = setmetatable({}, Client)
  defaults_of[client] = copy_options(options or none)
  return client
end

return M
