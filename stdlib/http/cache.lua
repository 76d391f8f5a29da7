-- A private cache of responses (RFC 9111), in memory: entries by URL, the variants of one beside each
-- other, the least recently used out first. What may be stored and used is decided in freshness.lua.
local checks = require "tidelock.options.core"
local control = require "tidelock.http.cache_control"
local core = require "tidelock.http.core"
local freshness = require "tidelock.http.freshness"
local task = require "tidelock.task"
local timer = require "tidelock.timer"
local urls = require "tidelock.http.url"

local Cache = {}
Cache.__index = Cache
Cache.__name = "http cache"

local M = {}

-- Variants of one URL, so that no server fills the cache by Vary alone.
local MOST_VARIANTS = 16
-- What an entry costs beside its body: its tables, roughly.
local ENTRY_COST = 1024

-- The key of a URL: as it is sent, without credentials and fragment.
local function key_of(url) return core.resolve(url, url) or url end

-- --- the list: most recently used first -------------------------------------------------------

local function unlink_entry(entry)
  entry.before.after, entry.after.before = entry.after, entry.before
end

local function link_first(cache, entry)
  local list = cache.list
  entry.before, entry.after = list, list.after
  list.after.before, list.after = entry, entry
end

local function touch_entry(cache, entry)
  unlink_entry(entry)
  link_first(cache, entry)
end

-- --- entries --------------------------------------------------------------------------------

local function find_entry(cache, url, headers)
  for _, entry in ipairs(cache.by_url[url] or {}) do
    if freshness.vary_key(entry.names, headers) == entry.key then return entry end
  end
  return nil
end

local function drop_entry(cache, entry)
  local variants = cache.by_url[entry.url] or {}
  for i, one in ipairs(variants) do
    if one == entry then
      table.remove(variants, i)
      unlink_entry(entry)
      cache.bytes, cache.entries = cache.bytes - entry.cost, cache.entries - 1
    end
  end
  if #variants == 0 then cache.by_url[entry.url] = nil end
end

local function is_over(cache)
  return cache.entries > cache.max_entries or cache.bytes > cache.max_bytes
end

local function evict_entries(cache)
  while is_over(cache) do
    drop_entry(cache, cache.list.before)
    cache.evictions = cache.evictions + 1
  end
end

local function cost_of(res)
  local cost = ENTRY_COST + #res.body
  for name, value in pairs(res.headers) do cost = cost + #name + #tostring(value) end
  return cost
end

local function put_entry(cache, entry)
  local variants = cache.by_url[entry.url] or {}
  cache.by_url[entry.url] = variants
  if #variants >= MOST_VARIANTS then drop_entry(cache, variants[1]) end
  cache.by_url[entry.url] = variants
  variants[#variants + 1] = entry
  link_first(cache, entry)
  cache.bytes, cache.entries = cache.bytes + entry.cost, cache.entries + 1
  evict_entries(cache)
end

local function copy_response(res, headers)
  local copy = {}
  for name, value in pairs(res) do copy[name] = value end
  copy.headers = {}
  for name, value in pairs(headers or res.headers) do copy.headers[name] = value end
  return setmetatable(copy, getmetatable(res))
end

-- `asked`: when the request went out, in seconds of timer.now().
local function make_entry(url, request, res, asked)
  local now = timer.now()
  local names = freshness.vary_names(res.headers)
  return {
    url = url, res = copy_response(res), came = now, names = names,
    key = freshness.vary_key(names, request.headers),
    age = freshness.age_on_arrival(res, os.time(), now - asked),
    lifetime = freshness.lifetime(res), directives = control.parse(res.headers["cache-control"]),
    cost = cost_of(res),
  }
end

local function age_of(entry) return entry.age + timer.now() - entry.came end

-- A copy for the caller, with its age (RFC 9111, 5.1). `how` is "fresh", "stale" or "revalidated".
local function show_entry(cache, entry, how)
  touch_entry(cache, entry)
  cache.hits = cache.hits + 1
  local res = copy_response(entry.res)
  res.headers.age = ("%d"):format(age_of(entry) // 1)
  res.cache = how
  return res
end

-- --- asking the server ----------------------------------------------------------------------

local function with_conditions(request, conditions)
  if not conditions then return request end
  local copy = {}
  for name, value in pairs(request) do copy[name] = value end
  copy.headers = {}
  for name, value in pairs(request.headers) do copy.headers[name] = value end
  for name, value in pairs(conditions) do copy.headers[name] = value end
  return copy
end

-- A response that came by a redirect is not one of the URL that was asked for.
local function store_response(cache, url, request, wishes, res, asked)
  local before = find_entry(cache, url, request.headers)
  if before then drop_entry(cache, before) end
  if key_of(res.url) ~= url or not freshness.is_storable(wishes, res) then return end
  if cost_of(res) > cache.max_bytes then return end
  put_entry(cache, make_entry(url, request, res, asked))
end

-- A 304 brings new headers for the response that is stored.
local function renew_entry(cache, url, request, entry, res, asked)
  drop_entry(cache, entry)
  local renewed = copy_response(entry.res, freshness.updated(entry.res, res.headers))
  entry = make_entry(url, request, renewed, asked)
  put_entry(cache, entry)
  return cache.by_url[url] and show_entry(cache, entry, "revalidated") or renewed
end

local function is_failure(res, err)
  if res then return freshness.failures[res.status] end
  return err.code ~= "CANCELLED" and err.code ~= "RELOADED"
end

local function ask_server(cache, url, request, wishes, entry, send)
  local asked = timer.now()
  local conditions = entry and freshness.conditions(entry.res)
  local res, err = send(with_conditions(request, conditions))
  if res and res.status == 304 and conditions then
    if freshness.is_about(entry.res, res.headers) then
      return renew_entry(cache, url, request, entry, res, asked)
    end
    drop_entry(cache, entry)
    res, err = send(request)
  end
  if entry and is_failure(res, err) and freshness.may_stand_in(entry, wishes, age_of(entry)) then
    return show_entry(cache, entry, "stale")
  end
  if not res then return nil, err end
  cache.misses = cache.misses + 1
  if not freshness.failures[res.status] then store_response(cache, url, request, wishes, res, asked) end
  return res
end

-- The response that is stale is used once more while a new one is asked for, once at a time.
local function revalidate_later(cache, url, request, wishes, entry, send)
  if entry.asking then return end
  entry.asking = true
  task.spawn(function()
    pcall(ask_server, cache, url, request, wishes, entry, send)
    entry.asking = nil
  end)
end

-- RFC 9111, 5.2.1.7.
local function not_cached()
  return { status = 504, headers = {}, body = "the response is not in the cache" }
end

local function fetch_cached(cache, url, request, send)
  local wishes = freshness.wishes(request.headers)
  local entry = find_entry(cache, url, request.headers)
  local how = entry and freshness.judge(entry, wishes, age_of(entry))
  if how == "fresh" then
    return show_entry(cache, entry, age_of(entry) < entry.lifetime and "fresh" or "stale")
  end
  if wishes["only-if-cached"] then return not_cached() end
  if how == "revalidating" then
    revalidate_later(cache, url, request, wishes, entry, send)
    return show_entry(cache, entry, "stale")
  end
  return ask_server(cache, url, request, wishes, entry, send)
end

-- --- invalidating ---------------------------------------------------------------------------

local function drop_url(cache, url)
  for _, entry in ipairs({ table.unpack(cache.by_url[url] or {}) }) do drop_entry(cache, entry) end
end

-- What an unsafe method has changed (RFC 9111, 4.4): its own URL, and those of the same origin that the
-- answer names.
local function invalidate_changed(cache, url, res)
  if res.status < 200 or res.status >= 400 then return end
  drop_url(cache, url)
  for _, name in ipairs { "location", "content-location" } do
    local named = res.headers[name] and core.resolve(url, res.headers[name])
    if named and urls.origin(named) == urls.origin(url) then drop_url(cache, key_of(named)) end
  end
end

-- --- interface ------------------------------------------------------------------------------

local safe = { GET = true, HEAD = true, OPTIONS = true, TRACE = true }

-- Answers a request { method, url, headers } from the cache, or by send(request) → res | nil, err.
-- Headers are a table by lower-case name.
function M.fetch(cache, request, send)
  local url = key_of(request.url)
  if request.method == "GET" and freshness.is_plain(request.headers) then
    return fetch_cached(cache, url, request, send)
  end
  local res, err = send(request)
  if res and not safe[request.method] then invalidate_changed(cache, url, res) end
  return res, err
end

-- Forgets all responses.
function Cache:clear()
  self.list = {}
  self.list.before, self.list.after = self.list, self.list
  self.by_url, self.bytes, self.entries = {}, 0, 0
end

-- What it holds, and how often it was of use.
function Cache:stats()
  return { entries = self.entries, bytes = self.bytes, hits = self.hits, misses = self.misses,
    evictions = self.evictions }
end

checks.strict("an http cache", Cache, "method")

local function check_limit(name, value)
  if value ~= nil and (math.type(value) ~= "integer" or value < 1) then
    error(("http.cache: %s must be a whole number above 0"):format(name), 4)
  end
end

-- Returns a cache for one client or several.
function M.new(limits)
  limits = limits or {}
  check_limit("max_entries", limits.max_entries)
  check_limit("max_bytes", limits.max_bytes)
  local cache = setmetatable({ max_entries = limits.max_entries or 1000,
    max_bytes = limits.max_bytes or 32 << 20, hits = 0, misses = 0, evictions = 0 }, Cache)
  cache:clear()
  return cache
end

function M.is(value) return getmetatable(value) == Cache end

return M
