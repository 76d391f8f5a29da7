-- Server-sent events, as far as loops and streams that are declared have it in common: options, connecting,
-- and what comes after a connection.
local attempts = require "tidelock.http.attempts"
local checks = require "tidelock.options.core"
local core = require "tidelock.http.core"
local errors = require "tidelock.errors"
local log = require "tidelock.log"
local cookies = require "tidelock.http.later" "tidelock.http.cookies"
local options_of = require "tidelock.http.options"
local response = require "tidelock.http.response"
local status = require "tidelock.http.status"
local urls = require "tidelock.http.url"

local M = {}

local standard_max_event, standard_idle = 1 << 20, 60 -- bytes, seconds
local shortest_retry = 0.1 -- seconds: what a server may ask for
local longest_id = 4096 -- bytes: servers take 8 KiB of a header
local codes = { DNS = true, CONNECT = true, PROXY = true, RESET = true, TIMEOUT = true, UNAVAILABLE = true }

-- --- options --------------------------------------------------------------------------------

local rules = { delay = { most = 86400 }, max_delay = { most = 86400 },
  attempts = { least = 1, huge = true }, jitter = { most = 1 } }

local function check_reconnect(_, value)
  if value == false then return end
  if type(value) ~= "table" then options_of.misuse("reconnect must be a table, or false") end
  for name, one in pairs(value) do
    if not rules[name] then
      local meant = checks.suggest(tostring(name), rules)
      options_of.misuse("reconnect has no option '%s'%s", tostring(name), meant)
    end
    options_of.number("reconnect." .. name, one, rules[name])
  end
end

local function check_type(want)
  return function(name, value)
    if type(value) ~= want then options_of.misuse("%s must be a %s, not a %s", name, want, type(value)) end
  end
end

local function check_id(name, value)
  check_type "string" (name, value)
  if value:find "[%z\r\n]" then options_of.misuse("%s holds a line break or a zero byte", name) end
end

local own = { last_id = check_id, reconnect = check_reconnect, refused = check_type "function",
  max_event = function(name, value)
    options_of.number(name, value, { least = 1, most = 1 << 30, whole = true })
  end }
own.persist = check_type "boolean"
local of_loop = { on_state = check_type "function", name = check_type "string" }

-- What a stream of events is by itself.
local not_here = { stream = true, value = true, expect = true, retries = true, max_body = true,
  on_progress = true }

local function check(options, extra)
  local known = {}
  for _, set in ipairs { options_of.of_request, own, extra } do
    for name, checker in pairs(set) do known[name] = checker end
  end
  for name in pairs(options) do
    if not_here[name] then options_of.misuse("events has no option '%s'", name) end
  end
  options_of.check("events", options, known)
end

local function copy(from)
  local all = {}
  for name, value in pairs(from or {}) do all[name] = value end
  return all
end

local function set_header(headers, name, value)
  for key in pairs(headers) do
    if type(key) == "string" and key:lower() == name:lower() then headers[key] = nil end
  end
  headers[name] = value
end

local function has_header(headers, name)
  for key in pairs(headers) do
    if type(key) == "string" and key:lower() == name then return true end
  end
  return false
end

-- The options of each request.
local function request_options(options)
  local request = copy(options)
  for name in pairs(own) do request[name] = nil end
  for name in pairs(of_loop) do request[name] = nil end
  request.stream, request.value, request.expect, request.retries = true, false, false, 0
  request.idle_timeout = request.idle_timeout or standard_idle
  request.headers = copy(request.headers)
  if not has_header(request.headers, "accept") then request.headers.Accept = "text/event-stream" end
  if not has_header(request.headers, "cache-control") then
    request.headers["Cache-Control"] = "no-store"
  end
  return request
end

local function reconnect_of(given)
  if given == false then return false end
  local all = { delay = 1, max_delay = 30, attempts = math.huge, jitter = 1 }
  for name, value in pairs(given or {}) do all[name] = value end
  return all
end

local function merged(options, defaults, name)
  if options[name] ~= nil then return options[name] end
  return defaults[name]
end

-- The text by which a request is known as this one, or another. Functions are new at each load, and so is
-- the place of a middleware; of a session and of a jar of cookies its name counts.
local deepest = 32
local apart = { layers = true, session = true, cookies = true }

local function write_value(out, value, depth)
  local kind = type(value)
  if kind ~= "table" or depth > deepest then
    local plain = kind == "string" or kind == "number" or kind == "boolean"
    out[#out + 1] = plain and ("%q"):format(tostring(value)) or kind
    return
  end
  local keys = {}
  for key in pairs(value) do
    if depth > 1 or not apart[key] then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do
    out[#out + 1] = "{" .. type(key) .. tostring(key)
    write_value(out, value[key], depth + 1)
    out[#out + 1] = "}"
  end
end

local function fingerprint(options, defaults)
  local out = {}
  local session = merged(options, defaults, "session")
  write_value(out, options, 1)
  write_value(out, defaults, 1)
  if type(session) == "table" then write_value(out, rawget(session, "name"), 1) end
  local jar = merged(options, defaults, "cookies")
  if jar then write_value(out, cookies.meant(jar), 1) end
  return table.concat(out, "\n")
end

-- Returns what is known of a stream for as long as it lasts. `send(options)` sends a request; `name`: of a
-- declaration. Raises misuse without a position.
function M.configure(url, options, defaults, send, name)
  if type(url) ~= "string" then options_of.misuse("events takes a URL, not a %s", type(url)) end
  if type(options or {}) ~= "table" then options_of.misuse("events takes a table of options") end
  local all = copy(options)
  if all.url ~= nil then options_of.misuse("events has no option 'url'") end
  check(all, name and {} or of_loop)
  all.url = url
  local request = request_options(all)
  return { send = send, request = request, method = (request.method or "GET"):upper(),
    shown = urls.show((urls.join(defaults.base_url, url))), last_id = all.last_id or "",
    max_event = all.max_event or standard_max_event, reconnect = reconnect_of(all.reconnect),
    explicit = type(all.reconnect) == "table", refused = merged(all, defaults, "refused"),
    sent_headers = { defaults.headers or {}, request.headers }, on_state = all.on_state,
    name = name or all.name, persist = all.persist, url = (urls.join(defaults.base_url, url)),
    fingerprint = fingerprint(all, defaults) }
end

-- --- what comes next ------------------------------------------------------------------------

-- Where a stream stands: `id`, the last one; `retry`, what the server named; `number` of attempts since the
-- last event; `opened`: there was a connection before; `asked`: for another token, since then.

-- The server of a header gets its text without line breaks and the like, and not without end.
local function is_sendable(id) return id ~= "" and #id <= longest_id and not id:find "[%c]" end

-- Whether the same request may be sent once more.
local function may_repeat(config, at, err)
  if attempts.idempotent[config.method] or config.explicit or is_sendable(at.id) then return true end
  return err and err.sent == "no"
end

-- Seconds until the next attempt, or nil: there is none. `named`: those that the server asked for.
local function wait_for(config, at, err, named)
  local how = config.reconnect
  if not how or at.number > how.attempts or not may_repeat(config, at, err) then return nil end
  if named then return named end
  local base = at.retry and math.max(at.retry, shortest_retry) or how.delay
  local wait = math.min(math.max(how.max_delay, base), base * 2 ^ math.min(at.number - 1, 60))
  return wait * (1 - how.jitter * core.share())
end

--- A stream has ended, or broke off with `err`. Returns seconds; nil, err: there is no other; nil: nor was
--- anything left to come.
function M.after_end(config, at, err)
  if err and not codes[err.code] then return nil, err end
  local wait = wait_for(config, at, err)
  if wait or err then return wait, err end
  if not config.reconnect or not may_repeat(config, at) then return nil end
  return nil, errors.new { code = "CLOSED", sent = "yes",
    message = ("the events of %s ended, and %d times again without another"):format(config.shown,
      at.number - 1) }
end

local function token_of(config)
  local found
  for _, headers in ipairs(config.sent_headers) do
    for name, value in pairs(headers) do
      if type(name) == "string" and name:lower() == "authorization" then found = value end
    end
  end
  return type(found) == "string" and (found:match "^[Bb]earer%s+(.+)$" or found) or nil
end

local function refuse(config, at, res)
  local wait, why
  if attempts.statuses[res.status] or res.status >= 500 then
    local named = core.retry_after(res.headers["retry-after"], res.headers.date)
    wait = wait_for(config, at, nil, named)
  end
  if wait then res.body = "" else response.keep_excerpt(res) end
  why = status.refuse(config.method, res)
  if wait then res:close() end
  return nil, why, wait
end

local function is_stream(res)
  local kind = res.headers["content-type"] or ""
  return kind:match "^%s*([^;%s]*)":lower() == "text/event-stream"
end

local function wrong_type(res)
  local kind = res.headers["content-type"]
  response.keep_excerpt(res)
  return errors.new { code = "DECODE", sent = "yes", message = ("%s answered with %s, not text/event-stream")
    :format(urls.show(res.url), kind and kind:sub(1, 80):gsub("%c", "?") or "no type") }
end

-- Asks for another token, once between two connections. Returns whether there is one; or nil, err.
local function renew(config, at, res)
  at.asked = true
  res:close()
  local token, why = config.refused(token_of(config))
  if type(token) == "string" then
    set_header(config.request.headers, "Authorization", "Bearer " .. token)
  elseif token ~= true then
    res.body = ""
    return nil, why or status.refuse(config.method, res)
  end
  return true
end

local function request_for(config, id)
  local request = copy(config.request)
  request.headers = copy(config.request.headers)
  if is_sendable(id) then set_header(request.headers, "Last-Event-ID", id) end
  return request
end

M.request_for = request_for

--- Tries to connect. Returns "open" and the response; "over"; or nil, err and the seconds until the next
--- attempt, if there is one.
function M.connect(config, at)
  local res, err = config.send(request_for(config, at.id))
  if not res then
    local named = type(err) == "table" and err.retry_after or nil
    return nil, err, type(err) == "table" and codes[err.code] and wait_for(config, at, err, named) or nil
  end
  if res.status == 204 then
    res:close()
    return "over"
  end
  if res.status == 200 then
    if is_stream(res) then return "open", res end
    return nil, wrong_type(res)
  end
  if res.status ~= 401 or not config.refused or at.asked then return refuse(config, at, res) end
  local ok, why = renew(config, at, res)
  if not ok then return nil, why end
  return M.connect(config, at)
end

--- Whether events may be missing, or come twice: a reconnection had no id to resume from.
function M.has_gap(at) return at.opened and not is_sendable(at.id) end

-- Once for each time that it fails. That a stream has ended is no failure.
function M.tell_failure(config, at, err, wait)
  if at.told or not err then return end
  at.told = true
  log.warn(("events of %s: %s; trying again in %.1f s"):format(config.shown, tostring(err), wait))
end

function M.tell_gap(config, at)
  if at.gap_told then return end
  at.gap_told = true
  log.warn(("events of %s: there was no id to resume from: events may be missing, or come twice")
    :format(config.shown))
end

return M
