-- The options of requests and clients, and what each may be. Pure.
local caches = require "tidelock.http.later" "tidelock.http.cache"
local checks = require "tidelock.options.core"
local cookies = require "tidelock.http.later" "tidelock.http.cookies"
local sessions = require "tidelock.http.session"
local status = require "tidelock.http.status"

local M = {}

--- Raises a mistake of the script; strings among what is quoted are cut where they are long.
function M.misuse(fmt, ...)
  local quoted = table.pack(...)
  for i = 1, quoted.n do
    if type(quoted[i]) == "string" then quoted[i] = checks.cut(quoted[i]) end
  end
  error("http: " .. fmt:format(table.unpack(quoted, 1, quoted.n)), 0)
end
local raise_misuse = M.misuse

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

--- Raises where a number breaks the rule.
function M.number(name, value, rule)
  local problem = checks.number_problem(value, rule)
  local seconds = rule.above and "must be a number of seconds above 0: it " or ""
  if problem then raise_misuse("%s %s%s", name, seconds, problem) end
end

local function number_checker(rule)
  return function(name, value) M.number(name, value, rule) end
end

local function check_body(_, value)
  if type(value) == "table" then raise_misuse("body must be a string: a table goes as json = {...}") end
  type_checker("string")("body", value)
end

local function check_key(name, value)
  if type(value) == "boolean" then return end
  check_text(name, value)
  if value == "" then raise_misuse("%s is empty", name) end
end

-- The same text would be the key of different requests.
local function check_own_key(name, value)
  if type(value) ~= "boolean" then
    raise_misuse("%s of a client must be a boolean: each request has a key of its own", name)
  end
end

local function check_cookies(name, value)
  local problem = value ~= true and value ~= false and cookies.problem(value)
  if problem then raise_misuse("%s %s", name, problem) end
end

-- The checker of each option. Those in `common` may be a client's defaults too.
local common = {
  headers = type_checker "table", query = type_checker "table", insecure = type_checker "boolean",
  http2 = type_checker "boolean", decompress = type_checker "boolean", expect = status.check,
  timeout = number_checker { above = true, huge = true },
  attempt_timeout = number_checker { above = true, huge = true },
  connect_timeout = number_checker { above = true, most = 86400 },
  retries = number_checker { most = 100, whole = true }, breaker = type_checker "boolean",
  max_body = number_checker { least = 1, most = 1 << 53, whole = true },
  value = type_checker "boolean", stream = type_checker "boolean",
  session = sessions.check, cookies = check_cookies,
  idle_timeout = number_checker { above = true, huge = true },
  max_connections = number_checker { least = 1, most = 10000, whole = true },
  keep_alive_timeout = number_checker { most = 86400 },
  redirects = number_checker { most = 1000, whole = true },
}
for _, name in ipairs { "proxy", "ca", "cert", "key", "key_password", "pin", "ciphers" } do
  common[name] = check_text
end

--- By which a server knows this side: for the origin that they are given for, and no other.
M.identity = { cert = true, key = true, key_password = true }

M.of_request = { method = type_checker "string", url = type_checker "string", body = check_body,
  json = function() end, form = type_checker "table", multipart = type_checker "table",
  idempotency_key = check_key, on_progress = type_checker "function" }
local function check_cache(_, value)
  if value ~= false and value ~= true and not caches.is(value) then
    raise_misuse("cache must be true, or what http.cache made, not a %s", type(value))
  end
end

M.of_client = { base_url = type_checker "string", idempotency_key = check_own_key,
  cache = check_cache, refused = type_checker "function" }

-- A table in the place of the body looks like options.
local hint = ": a table as the body goes as json = {...}"
local takes_body = { post = hint, put = hint, patch = hint }

local function raise_unknown(what, name, extra)
  local known = {}
  for key in pairs(common) do known[key] = true end
  for key in pairs(extra) do known[key] = true end
  local meant = checks.suggest(tostring(name), known)
  raise_misuse("%s has no option '%s'%s%s", what, tostring(name), meant, takes_body[what] or "")
end

--- Raises where an option is unknown or of the wrong type; `extra`: of_request or of_client.
function M.check(what, options, extra)
  if type(options) ~= "table" then raise_misuse("%s takes a table of options", what) end
  for name, value in pairs(options) do
    local checker = common[name] or extra[name]
    if not checker then raise_unknown(what, name, extra) end
    checker(name, value)
  end
end

return M
