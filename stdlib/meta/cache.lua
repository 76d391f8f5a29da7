---@meta tidelock.cache

---Keeps values for a time, bounded in number and in bytes: answers of a server, what is costly to
---compute. What was used longest ago goes first. A cache lives on over reloads. See docs/cache.md.
---
---```lua
---local cache = require "tidelock.cache"
---local script = require "tidelock.script"
---
---local projects = cache.open("projects", { max_entries = 1000, ttl = 60 })
---
---script.on_start(function()
---  projects:set({ "projects", 7 }, { name = "Tidelock" }, { tags = { "user:1" } })
---  projects:set({ "projects", 7, "members" }, { "ann", "ben" })
---  print(projects:get({ "projects", 7 }).name, #projects:get { "projects", 7, "members" })
---  print(projects:invalidate { "projects", 7 })
---  print(projects:get { "projects", 7 })
---end)
---```
---```text
---Tidelock	2
---2
---nil
---```
---@class tidelock.cache
local cache = {}

---What an entry is found by: a string, a number, a boolean, a list or an object of these. The order
---of an object's names does not count, 1 is 1.0, an empty table is the empty list. NaN, functions,
---holes, tables that contain themselves, and more than 64 KiB raise.
---@alias tidelock.CacheKey string|number|boolean|table

---The options of `cache.open`. Other names raise.
---@class tidelock.CacheOptions
---@field max_entries? integer entries at most, or `math.huge`. Default: 100
---@field max_bytes? integer bytes of keys, values and tags at most, or `math.huge`. Default: `math.huge`
---@field ttl? number seconds that an entry lives, or `math.huge`. Default: 300
---@field persist? boolean whether its entries outlive the process. Default: `false`
---@field keep_stale? number seconds that an entry whose ttl is over stays for `peek`. Default: 0

---The options of `set`. Other names raise.
---@class tidelock.cache.SetOptions
---@field ttl? number seconds that it lives, or `math.huge`. Default: that of the cache
---@field tags? string[] names to invalidate it by, 1000 at most. Default: none

---What a cache holds and did.
---@class tidelock.CacheStats
---@field size integer entries that it holds, stale ones too
---@field max_entries number the option
---@field hits integer calls of `get` that found a value
---@field misses integer calls of `get` that found none
---@field evictions integer entries that went for want of room
---@field bytes integer bytes of keys, values and tags. A part that is shared with a store or another entry counts where it was made

---An entry, as `entries` shows it.
---@class tidelock.CacheEntry
---@field key tidelock.CacheKey its key; of numbers that are whole, integers
---@field age number seconds since it was set
---@field ttl number seconds that it was given, or `math.huge`
---@field stale? boolean `true`: its ttl is over, or it was invalidated

---Opens a cache of this script. It lives on over reloads with its entries, as long as the script
---opens it; other options take effect at the reload. Opening it twice gives the same cache; with
---other options it raises.
---@param name string letters, digits, `_`, `.` and `-`
---@param options? tidelock.CacheOptions its bounds
---@return tidelock.Cache cache the cache
function cache.open(name, options) end

---A cache.
---@class tidelock.Cache
local Cache = {}

---Returns the value of an entry, and makes it the one used last.
---@param key tidelock.CacheKey what it is found by
---@return any value as it was set, tables as a view; `nil`: there is none, or its ttl is over
function Cache:get(key) end

---Puts a value in, in place of the one that has the key, with a ttl and tags of its own. Parts that
---are equal to those before stay the same (`==`).
---@param key tidelock.CacheKey what it is found by
---@param value any what a store can hold; `json.null` and `false` are values, `nil` raises
---@param options? tidelock.cache.SetOptions how long it lives, and its tags
---@return boolean kept `false`: it alone is larger than `max_bytes`; then no entry has the key
function Cache:set(key, value, options) end

---Looks at an entry, a stale one too. That counts in no statistics, and as no use.
---@param key tidelock.CacheKey what it is found by
---@return any value as `get`; nothing where there is no entry
---@return number? age seconds since it was set
---@return boolean? fresh whether `get` would return it
function Cache:peek(key) end

---Removes an entry, a stale one too.
---@param key tidelock.CacheKey what it is found by
---@return boolean removed whether there was one that was not stale
function Cache:delete(key) end

---Removes all entries.
function Cache:clear() end

---Invalidates the entries whose keys are lists that begin with these items, and costs as much as
---these are. With `keep_stale` they stay for `peek`, else they are removed.
---@param prefix table a list; `{}`: all whose keys are lists
---@return integer count how many there were, without those whose ttl was over
function Cache:invalidate(prefix) end

---Invalidates the entries with a tag, and costs as much as these are.
---@param tag string the tag
---@return integer count how many there were, without those whose ttl was over
function Cache:invalidate_tag(tag) end

---Invalidates the entries whose keys are strings that match. `*` stands for any text, also none;
---all else for itself. It costs as much as the keys that begin like the pattern, up to its first `*`.
---@param pattern string for all of the key: `"user:*"`
---@return integer count how many there were, without those whose ttl was over
function Cache:invalidate_pattern(pattern) end

---Says what it holds and did.
---@return tidelock.CacheStats stats the numbers now
function Cache:stats() end

---Lists the entries, the one used last first.
---@return tidelock.CacheEntry[] entries what there is, without the values
function Cache:entries() end

---Returns the name of the cache.
---@return string name the name it was opened with
function Cache:name() end

return cache
