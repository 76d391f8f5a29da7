-- What a private cache may store, for how long it is fresh, and when it fits a request (RFC 9111,
-- RFC 5861). Pure: headers are tables by lower-case name, times are given.
local control = require "tidelock.http.cache_control"
local core = require "tidelock.http.core"

local M = {}

-- Statuses that are cacheable without being told (RFC 9110, 15.1), but the partial 206.
local usual = {}
for _, status in ipairs { 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501 } do usual[status] = true end

-- Failures for which a stale response may stand in (RFC 5861, 4).
M.failures = { [500] = true, [502] = true, [503] = true, [504] = true }

-- Fields that a 304 does not bring: those of the connection, and those of the body that is stored.
local kept = {}
for _, name in ipairs { "connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding",
  "upgrade", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "content-length",
  "content-encoding", "content-type", "content-range" } do
  kept[name] = true
end

-- --- requests -------------------------------------------------------------------------------

-- The request's directives; Pragma counts where there is no Cache-Control.
function M.wishes(headers)
  local wishes = control.parse(headers["cache-control"])
  if not headers["cache-control"] and (headers.pragma or ""):lower():find("no-cache", 1, true) then
    wishes["no-cache"] = true
  end
  return wishes
end

local own_conditions = { "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
  "range" }

-- Whether the request is for a cache: one with a condition or a range of its own is for the server.
function M.is_plain(headers)
  for _, name in ipairs(own_conditions) do
    if headers[name] then return false end
  end
  return true
end

-- --- storing --------------------------------------------------------------------------------

-- The names of Vary in lower case; nil for "*", which fits no request. Credentials always count, so
-- that what one account was given is not shown to another.
function M.vary_names(headers)
  local names = { "authorization", "cookie" }
  for name in (headers.vary or ""):gmatch "[^%s,]+" do
    if name == "*" then return nil end
    names[#names + 1] = name:lower()
  end
  return names
end

-- What the request had in those names: a second one fits if it has the same.
function M.vary_key(names, headers)
  local out = {}
  for _, name in ipairs(names) do
    local value = headers[name]
    if type(value) == "table" then value = table.concat(value, ", ") end
    local text = value and tostring(value):gsub("%s*,%s*", ","):gsub("^%s+", ""):gsub("%s+$", "")
    out[#out + 1] = text and #text .. ":" .. text or "-"
  end
  return table.concat(out, ";")
end

local function says_how_long(directives, headers)
  return directives["max-age"] ~= nil or headers.expires ~= nil
end

-- Whether the response to a GET may be stored at all (RFC 9111, 3).
function M.is_storable(wishes, res)
  local directives = control.parse(res.headers["cache-control"])
  if res.status < 200 or res.status == 206 or res.status == 304 then return false end
  if wishes["no-store"] then return false end
  local is_understood = directives["must-understand"] and usual[res.status]
  if directives["no-store"] and not is_understood then return false end
  if not M.vary_names(res.headers) then return false end
  return usual[res.status] or says_how_long(directives, res.headers)
end

-- --- age ------------------------------------------------------------------------------------

-- Seconds for which a response is fresh from its creation (RFC 9111, 4.2.1 and 4.2.2). s-maxage is for
-- caches that are shared. An argument that is no number, or a date that is none, is stale.
function M.lifetime(res)
  local headers = res.headers
  local directives = control.parse(headers["cache-control"])
  if directives["max-age"] ~= nil then return control.seconds(directives["max-age"]) or 0 end
  local date = core.date(headers.date or "")
  if headers.expires then
    local expires = core.date(headers.expires)
    return expires and date and math.max(0, expires - date) or 0
  end
  local modified = headers["last-modified"] and core.date(headers["last-modified"])
  if usual[res.status] and modified and date and date > modified then return (date - modified) / 10 end
  return 0
end

-- The age of a response when it came (RFC 9111, 4.2.3): `wall` is the time of the clock then, `delay`
-- how long it was waited for.
function M.age_on_arrival(res, wall, delay)
  local date = core.date(res.headers.date or "") or wall
  local said = control.seconds((res.headers.age or ""):match "^%s*(%d+)%s*$") or 0
  return math.max(0, wall - date, said + delay)
end

-- --- using ----------------------------------------------------------------------------------

-- Whether the response to a request with these wishes is fresh at that age.
local function is_fresh(entry, wishes, age)
  if wishes["no-cache"] or entry.directives["no-cache"] then return false end
  local most = control.seconds(wishes["max-age"])
  if most and age > most then return false end
  local left = entry.lifetime - age
  return left > 0 and left >= (control.seconds(wishes["min-fresh"]) or 0)
end

-- Whether the server forbids what is stale.
local function is_strict(entry)
  return entry.directives["must-revalidate"] ~= nil or entry.directives["no-cache"] ~= nil
end

-- Whether a stale one is asked for, by max-stale with or without a limit.
local function is_welcome(entry, wishes, age)
  local most = wishes["max-stale"]
  if most == nil or is_strict(entry) or wishes["no-cache"] then return false end
  local asked = control.seconds(wishes["max-age"])
  if asked and age > asked then return false end
  return most == true or age - entry.lifetime <= (control.seconds(most) or -1)
end

-- "fresh": use it; "revalidating": use it, and ask meanwhile; "stale": ask first.
function M.judge(entry, wishes, age)
  if is_fresh(entry, wishes, age) or is_welcome(entry, wishes, age) then return "fresh" end
  local is_asked = wishes["no-cache"] or wishes["max-age"] or wishes["min-fresh"]
  if is_strict(entry) or is_asked then return "stale" end
  local longer = control.seconds(entry.directives["stale-while-revalidate"])
  return longer and age - entry.lifetime <= longer and "revalidating" or "stale"
end

-- Whether it may stand in for a failure; the request's stale-if-error counts as the response's does.
function M.may_stand_in(entry, wishes, age)
  if is_strict(entry) or wishes["no-cache"] then return false end
  local longer = control.seconds(entry.directives["stale-if-error"])
    or control.seconds(wishes["stale-if-error"])
  return longer ~= nil and age - entry.lifetime <= longer
end

-- --- validating -----------------------------------------------------------------------------

-- The conditions of a request that asks whether the entry is still valid; nil: it has no validator.
function M.conditions(res)
  local etag, modified = res.headers.etag, res.headers["last-modified"]
  if not etag and not modified then return nil end
  return { ["if-none-match"] = etag, ["if-modified-since"] = modified }
end

local function is_strong(etag) return etag ~= nil and etag:find '^"' ~= nil end

-- Whether a 304 is about the response that is stored (RFC 9111, 4.3.4).
function M.is_about(stored, headers)
  if is_strong(headers.etag) and is_strong(stored.headers.etag) then
    return headers.etag == stored.headers.etag
  end
  return true
end

-- The stored headers with those of a 304 over them (RFC 9111, 3.2).
function M.updated(stored, headers)
  local all = {}
  for name, value in pairs(stored.headers) do all[name] = value end
  for name, value in pairs(headers) do
    if not kept[name] then all[name] = value end
  end
  return all
end

return M
