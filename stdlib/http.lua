-- tidelock.http: HTTP requests; a call waits for the response. See docs/http.md.
--
--   local res, err = http.get("https://example.org/api", { query = { page = 2 } })
--   if res and res.status == 200 then local value, why = res:json() end
--
-- Options are checked and merged here; runtime/net/http.c sends the requests.
local later = require "tidelock.http.later"

local answers = later "tidelock.http.answer"
local attempts = require "tidelock.http.attempts"
local bodies = require "tidelock.http.body"
local caches = later "tidelock.http.cache"
local checks = require "tidelock.options.core"
local cookies = later "tidelock.http.cookies"
local downloads = later "tidelock.http.download"
local events = later "tidelock.http.events"
local headers = require "tidelock.http.headers"
local layered = later "tidelock.http.layers"
local options_of = require "tidelock.http.options"
local pages = later "tidelock.http.pages"
local random = require "tidelock.random"
local response = require "tidelock.http.response"
local sending = require "tidelock.http.sending"
local session_core = require "tidelock.session.core"
local sessions = require "tidelock.http.session"
local status = require "tidelock.http.status"
local tasks = require "tidelock.task.core"
local timer = require "tidelock.timer"
local urls = require "tidelock.http.url"

---@type tidelock.http see meta/http.lua
local M = {}

local raise_misuse = options_of.misuse
local none = {}

-- --- requests -------------------------------------------------------------------------------

local known = { GET = true, HEAD = true, POST = true, PUT = true, PATCH = true, DELETE = true,
  OPTIONS = true }

-- The options that go to the core as they are; it looks for the rare ones where `more` says so.
local passed = {}
for _, name in ipairs { "timeout", "attempt_timeout", "retries", "insecure", "proxy", "ca", "cert", "key",
  "key_password", "pin", "ciphers" } do
  passed[name] = "often"
end
for _, name in ipairs { "connect_timeout", "max_body", "redirects", "http2", "decompress", "breaker",
  "stream", "idle_timeout", "max_connections", "keep_alive_timeout", "on_progress" } do
  passed[name] = "rare"
end

-- Known methods in capitals; others unchanged.
local function method_of(options)
  local method = options.method or "GET"
  return known[method:upper()] and method:upper() or method
end

local function option_of(options, defaults, name)
  if options[name] ~= nil then return options[name] end
  return defaults[name]
end

-- The key is the same at each attempt: what a server does for it, it does once.
local function add_key(all, options, defaults)
  local key = option_of(options, defaults, "idempotency_key")
  if sending.key and (key == nil or key == true) and not all["idempotency-key"] then
    key = sending.key(method_of(options)) or key
  end
  if not key then return end
  headers.add_standard(all, "Idempotency-Key", key == true and random.uuid() or key)
end

-- The client's defaults for another origin than that of its base_url: without what is for that one alone.
local function defaults_abroad(defaults)
  local abroad = {}
  for name, value in pairs(defaults) do
    if name ~= "headers" and name ~= "query" and not options_of.identity[name] then abroad[name] = value end
  end
  return abroad
end

local function pass_options(request, options)
  for name, value in pairs(options) do
    local how = passed[name]
    if how then request[name] = value end
    if how == "rare" then request.more = true end
  end
end

-- Returns the request for the core, its headers by lower-case name, and those of the client among
-- them; or nil, err.
local function build_request(what, options, defaults)
  options_of.check(what, options, options_of.of_request)
  if option_of(options, defaults, "stream") and option_of(options, defaults, "value") then
    raise_misuse "stream and value exclude each other"
  end
  if not options.url then raise_misuse("%s needs a url", what) end
  local url, at_home = urls.join(defaults.base_url, options.url)
  local all = {}
  if not at_home then defaults = defaults_abroad(defaults) end
  local standing = defaults.headers
  headers.add(all, standing)
  headers.add(all, options.headers)
  add_key(all, options, defaults)
  local ok, text, files = bodies.of(options, all)
  if not ok then return nil, text end
  local session = option_of(options, defaults, "session")
  local lines = (not defaults.layers or options.headers) and headers.lines(all) or none
  -- With all that it may get: a table that grows is made anew.
  local request = { method = method_of(options), body = text, headers = lines,
    url = urls.with_query(url, defaults.query, options.query),
    keyed = all["idempotency-key"] and true or nil, session = session and session.core or nil,
    timeout = nil, more = nil, jar = nil, taken = nil, unsettled = nil }
  if defaults ~= none then pass_options(request, defaults) end
  pass_options(request, options)
  -- Who tries again is the one that this task is done for.
  if tasks.scoped() then request.retries = options.retries or 0 end
  if files then request.files, request.more = files, true end
  local jar = option_of(options, defaults, "cookies")
  if jar then
    request.more = true
    request.jar, request.jar_kept = cookies.meant(jar)
  end
  if request.more then
    if request.keep_alive_timeout == 0 then request.keep_alive_timeout = -1 end
    -- The time that a stream takes is nobody's to guess.
    request.open_ended = request.stream and (what == "events" or not request.timeout)
  end
  return request, all, standing
end

local function attempt_once(request)
  local res, err, told = attempts.ask(request)
  return res and setmetatable(res, response.class), err, told
end

-- `limit`: seconds for all attempts.
local function send_within(request, limit)
  local began = timer.now()
  local own = request.attempt_timeout
  request.timeout, request.taken = limit, nil
  if own and own < limit then request.timeout = own end
  local res, err, told = attempt_once(request)
  if res and not attempts.statuses[res.status] then return res end
  return attempts.go_on(request, began + limit, attempt_once, res, err, told)
end

-- Without middleware.
local function send_bare(request)
  local limit = attempts.limit(request)
  if not request.session then return send_within(request, limit) end
  local began = timer.now()
  return sessions.send(request, function(stopped)
    return send_within(request, math.max(limit + stopped - (timer.now() - began), 0.001))
  end)
end

-- Misuse is raised at the line of the call. Public functions end in `return send_request(...)`, so that
-- their caller is two levels up.
local function send_request(what, options, defaults)
  local ok, request, all, standing = pcall(build_request, what, options, defaults)
  if not ok then error(request, 2) end
  if not request then return nil, all end
  local res, err
  if defaults.layers then res, err = layered.send(defaults.layers, request, all, standing)
  else res, err = send_bare(request) end
  if not res then return nil, err end
  local expect = option_of(options, defaults, "expect")
  if expect and not status.fits(res.status, expect) then
    if res.stream then response.keep_excerpt(res) end
    return nil, status.refuse(request.method, res)
  end
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
  options_of.check(what, all, options_of.of_request)
  all.value, all.expect, all.stream = false, false, false
  return all, paging, urls.origin(urls.join(defaults.base_url, url))
end

-- `what` is "pages" or "items".
local function walk_pages(what, defaults, url, options)
  local ok, all, paging, origin = pcall(gather_pages, what, url, options, defaults)
  if not ok then error(all, 2) end
  local function send(one, elsewhere)
    return send_request(what, one, elsewhere and defaults_abroad(defaults) or defaults)
  end
  return pages[what](send, all, paging, origin)
end

-- --- events ---------------------------------------------------------------------------------

-- The declaration has a name before its URL. Public functions keep a frame of their own above it, so that
-- their caller is three levels up.
local function events_of(defaults, first, second, third)
  local named = type(second) == "string"
  local url, options = first, second
  if named then url, options = second, third end
  local function send(one) return send_request("events", one, defaults) end
  local ok, config = pcall(events.configure, url, options, defaults, send, named and first)
  if not ok then error(config, 3) end
  local fine, why = pcall(build_request, "events", events.request_for(config, config.last_id), defaults)
  if not fine then error(why, 3) end
  if named then return events.source(config) end
  return events.loop(config)
end

-- --- downloads ------------------------------------------------------------------------------

-- Its public functions keep a frame of their own above it, as those of events.
local function download(defaults, url, options)
  local function send(one) return send_request("download", one, defaults) end
  local ok, plan = pcall(downloads.plan, url, options, defaults, send)
  if not ok then error(plan, 3) end
  return downloads.run(plan)
end

-- --- interface ------------------------------------------------------------------------------

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

for _, name in ipairs { "pages", "items" } do
  M[name] = function(url, options) return walk_pages(name, none, url, options) end
  Client[name] = function(self, url, options)
    local defaults = defaults_for(self)
    return walk_pages(name, defaults, url, options)
  end
end

-- for event in M.events(url, options): the server-sent events of a URL. M.events(name, url, options) declares
-- a stream of them.
function M.events(first, second, third)
  local step, state, control, closing = events_of(none, first, second, third)
  return step, state, control, closing
end

function Client:events(first, second, third)
  local defaults = defaults_for(self)
  local step, state, control, closing = events_of(defaults, first, second, third)
  return step, state, control, closing
end

-- Writes the body of a URL to a file, and goes on where it was cut.
function M.download(url, options)
  local result, err = download(none, url, options)
  return result, err
end

function Client:download(url, options)
  local defaults = defaults_for(self)
  local result, err = download(defaults, url, options)
  return result, err
end

-- The last id of the stream, or of the loop, of a name; or nil.
function M.last_id(name)
  local ok, id = pcall(events.last_id, name)
  if not ok then error(id, 2) end
  return id
end

-- Adds a function around each call, or around each attempt; the first added is the outermost.
function Client:use(fn, options)
  local defaults = defaults_for(self)
  if type(fn) ~= "function" then
    error("a middleware is a function: client:use(function(req, next) return next(req) end)", 2)
  end
  checks.check("client:use", options, { "per_attempt" })
  local per_attempt = options and options.per_attempt
  if type(per_attempt) ~= "boolean" and per_attempt ~= nil then
    error("client:use: per_attempt must be a boolean", 2)
  end
  local _, place = pcall(error, "", 3) -- "app.lua:12: "
  defaults.layers = layered.add(defaults.layers, fn, per_attempt, place)
  return self
end

checks.strict("an http client", Client, "method")

local function copy_options(options)
  local result = {}
  for name, value in pairs(options) do result[name] = value end
  return result
end

-- Returns a client: the functions above as methods, with default options.
function M.client(options)
  local ok, why = pcall(options_of.check, "client", options or none, options_of.of_client)
  if not ok then error(why, 2) end
  local client = setmetatable({}, Client)
  local defaults = copy_options(options or none)
  defaults_of[client] = defaults
  local session = defaults.session
  if session and defaults.base_url then session_core.learn(session.core, defaults.base_url) end
  local cache = defaults.cache
  if cache then defaults.layers = layered.with_cache(cache == true and caches.new() or cache) end
  return client
end

-- Returns a jar of cookies of the script, by its name.
function M.cookies(name, options)
  local jar = cookies.new(name, options)
  return jar
end

-- Returns a private cache of responses (RFC 9111), for one client or several.
function M.cache(limits)
  checks.check("http.cache", limits, { "max_entries", "max_bytes" })
  local cache = caches.new(limits)
  return cache
end

return M
