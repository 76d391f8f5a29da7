-- Middleware of a client: an onion around each call, and one around each attempt of it.
--
-- A request that a middleware sees is a value: { method, url, headers, body }, a copy for each of them, so
-- that what one changes is seen by those further in only, and by none at the next attempt.
local attempts = require "tidelock.http.attempts"
local caches = require "tidelock.http.later" "tidelock.http.cache"
local checks = require "tidelock.options.core"
local errors = require "tidelock.errors"
local headers = require "tidelock.http.headers"
local identity = require("tidelock.http.options").identity
local response = require "tidelock.http.response"
local sessions = require "tidelock.http.session"
local timer = require "tidelock.timer"
local urls = require "tidelock.http.url"

local M = {}
local Response = response.class

-- --- requests as values ---------------------------------------------------------------------

-- Headers by name, in capitals or not.
local Headers = {}
function Headers.__index(all, name)
  return type(name) == "string" and rawget(all, name:lower()) or nil
end
function Headers.__newindex(all, name, value)
  rawset(all, type(name) == "string" and name:lower() or name, value)
end

-- A list is copied too: who changes one changes its own.
local function copy_value(value)
  return type(value) == "table" and table.move(value, 1, #value, 1, {}) or value
end

-- `place`: where the middleware was added that hands it on: `return next(req)` leaves no line of its own.
local function copy_header(copy, name, value, place)
  if type(name) ~= "string" then
    error(place .. 'http: headers are named by strings: { Name = "value" }', 0)
  end
  local key = name:lower()
  if copy[key] ~= nil then
    error(("%shttp: the header %s is given twice: use a list of values"):format(place, checks.cut(name)), 0)
  end
  copy[key] = copy_value(value)
end

local fields = { method = "string", url = "string", headers = "table", body = "string" }
local none = {}

local function refuse_field(name, value, place)
  local want = fields[name]
  if not want then
    error(("%shttp: a request that is handed on has no field '%s': it has method, url, headers and body")
      :format(place, checks.cut(tostring(name))), 0)
  end
  error(("%shttp: the %s of a request that is handed on must be a %s, not a %s")
    :format(place, name, want, type(value)), 0)
end

local function copy_request(given, place)
  if type(given) ~= "table" then error(place .. "http: next takes a request, not a " .. type(given), 0) end
  local copy = {}
  for name, value in next, given do
    if type(value) ~= fields[name] then refuse_field(name, value, place) end
  end
  if not given.url then error(place .. "http: a request that is handed on needs a url", 0) end
  for name, value in next, given.headers or none do copy_header(copy, name, value, place) end
  return { method = given.method or "GET", url = given.url, body = given.body,
    headers = setmetatable(copy, Headers) }
end

-- --- the onion ------------------------------------------------------------------------------

local function check_answer(layer, req, res, err)
  if getmetatable(res) == Response then return res end
  if res == nil and err ~= nil then return nil, err end
  if res == nil then
    error(layer.place .. "http: this middleware returned nothing: it ends in `return next(req)`, or with an "
      .. "answer of its own", 0)
  end
  local ok, made = pcall(response.make, res, req.url)
  if not ok then error(layer.place .. "this middleware gave no response: " .. tostring(made), 0) end
  return made
end

-- Runs the layers from `at` on, and what they are around within them: layers.send(call, req). What `next`
-- needs is one table: each local that a closure has costs an object of its own.
local function run(call, layers, at, req)
  local layer = layers[at]
  if not layer then return layers.send(call, req) end
  local here = { call, layers, at + 1, req, layer.place }
  local res, err = layer.fn(req, function(given)
    if not here[1] then error("http: next was called after its middleware had returned", 2) end
    return run(here[1], here[2], here[3], copy_request(given == nil and here[4] or given, here[5]))
  end)
  here[1] = false
  return check_answer(layer, req, res, err)
end

-- --- to the core ----------------------------------------------------------------------------

local function holds(list, value)
  for _, one in ipairs(list) do
    if rawequal(one, value) then return true end
  end
  return false
end

-- What of a header's value the client does not give by itself, nil where that is nothing.
local function without(value, standing)
  local list, kept = urls.list(value), {}
  if not list then return value end -- it is refused where it is sent
  for _, one in ipairs(list) do
    if not holds(urls.list(standing) or none, one) then kept[#kept + 1] = one end
  end
  if type(value) ~= "table" or #kept == 0 then return kept[1] end
  return kept
end

-- The client's own headers stay with the origin that they are for.
local function drop_standing(call, req)
  for name, standing in pairs(call.standing or none) do
    local key = name:lower()
    local value = rawget(req.headers, key)
    if value ~= nil then req.headers[key] = without(value, standing) end
  end
end

-- What is for the client's origin alone is taken from the request, or given back.
local function move_identity(call, request, at_home)
  call.abroad = not at_home
  for name in pairs(identity) do
    if at_home then request[name] = call[name] else call[name], request[name] = request[name], nil end
  end
end

-- The core reads the request at once, so that one table serves a call as long as nothing fails.
local function fill(request, call, req)
  local at_home = req.url == call.url or urls.origin(req.url) == urls.origin(call.url)
  if not at_home then drop_standing(call, req) end
  if at_home == call.abroad then move_identity(call, request, at_home) end
  request.url, request.method = req.url, req.method
  -- A body with files is none that middleware sees; it goes out unless there is another.
  local own = call.files and not req.body
  request.body, request.files = own and call.body or req.body, own and call.files or nil
  request.headers = headers.lines_of(req.headers, call.all)
end

local function late(request)
  return errors.new { code = "TIMEOUT", phase = "middleware", sent = "no",
    message = ("the time for %s was up before it was sent"):format(urls.show(request.url)) }
end

-- Within the layers that each attempt has: what they take is the call's time. `told` goes past them.
local function send_attempt(call, req)
  local request = call.of_attempt
  request.timeout = attempts.time_for(request, call.ends)
  if request.timeout <= 0 then return nil, late(req) end
  fill(request, call, req)
  local res, err
  res, err, call.told = attempts.ask(request)
  return res and setmetatable(res, Response), err
end

local function attempt(call, req, request)
  call.of_attempt, call.told = request, nil
  local res, err
  if call.attempt_layers[1] then res, err = run(call, call.attempt_layers, 1, copy_request(req, ""))
  else res, err = send_attempt(call, req) end
  return res, err, call.told
end

-- A middleware may send several at once: each has a state of its own.
local function own_call(call, request)
  local own, copy = {}, {}
  for name, value in pairs(call) do own[name] = value end
  for name, value in pairs(request) do copy[name] = value end
  return own, copy
end

-- `own`: the call, or its copy where the request is sent beside another of it.
local function send_within(own, request, req, deadline)
  own.ends = deadline
  if deadline <= timer.now() then return nil, late(req) end
  request.url, request.method, request.taken = req.url, req.method, nil
  request.unsettled = nil
  local res, err, told = attempt(own, req, request)
  if res and not attempts.statuses[res.status] then
    attempts.settle(request)
    return res
  end
  return attempts.go_on(request, deadline, function(again) return attempt(own, req, again) end,
    res, err, told)
end

local function send_call(call, req)
  local own, request = call, call.request
  if call.busy then own, request = own_call(call, request) end
  call.busy = true
  if not request.session then return send_within(own, request, req, call.deadline) end
  return sessions.send(request, function(stopped)
    return send_within(own, request, req, call.deadline + stopped)
  end)
end

--- Sends a request within the layers of a client. `all`: its headers by lower-case name; `standing`: those
--- that the client gives by itself, or nil. Returns a response, or nil and an error.
function M.send(layers, request, all, standing)
  local call = { attempt_layers = layers.attempt, request = request, url = request.url, all = all,
    standing = standing, deadline = timer.now() + attempts.limit(request), busy = false, told = nil,
    ends = nil, of_attempt = nil, body = request.body, files = request.files, abroad = false }
  local given = {}
  for key, header in pairs(all) do given[key] = header and copy_value(header.value) or nil end
  local req = { method = request.method, url = request.url, body = not call.files and request.body or nil,
    headers = setmetatable(given, Headers) }
  return run(call, layers.call, 1, req)
end

--- Returns the layers of a client with one more. Those of calls under way stay as they are.
function M.add(layers, fn, per_attempt, place)
  local send = layers and layers.call.send or send_call
  local added = { call = { send = send }, attempt = { send = send_attempt } }
  for kind, list in pairs(layers or {}) do table.move(list, 1, #list, 1, added[kind]) end
  table.insert(per_attempt and added.attempt or added.call, { fn = fn, place = place })
  return added
end

--- Returns the layers of a client that has a cache: within all middleware, around the attempts. A stream
--- goes past it, and so does what is for a session, or has a jar of cookies: whose it is shows in the core
--- alone.
function M.with_cache(cache)
  local function send(call, req)
    local request = call.request
    if request.stream or request.session or request.jar then return send_call(call, req) end
    local res, err = caches.fetch(cache, req, function(asked) return send_call(call, asked) end)
    if res and not response.is(res) then res = response.make(res, req.url) end
    return res, err
  end
  return { call = { send = send }, attempt = { send = send_attempt } }
end

return M
