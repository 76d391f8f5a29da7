-- tidelock.query: what a server knows, kept here: asked for once for all, shown while it is asked for
-- anew, kept over reloads and restarts. See docs/query.md.
--
--   local projects = query.define("projects", { fetch = function() return api:get "/projects" end })
--   local list, err = projects:get()
--
-- Here are the options and the functions of a query; query/entries.lua has what is known of each key,
-- query/fetch.lua how it is asked for, query/observe.lua who hears of it.
local attached = require "tidelock.query.attached"
local checks = require "tidelock.options.core"
local entries = require "tidelock.query.entries"
local errors = require "tidelock.errors"
local fetching = require "tidelock.query.fetch"
local index = require "tidelock.query.index"
local keys_of = require "tidelock.query.key"
local reach = require "tidelock.net.reach"
local observing = require "tidelock.query.observe"
local pages = require "tidelock.query.pages"
local store = require "tidelock.store"
local timer = require "tidelock.timer"

---@type tidelock.query see meta/query.lua
local M = {}

local definitions = {} -- of this script, in their order

-- --- options --------------------------------------------------------------------------------

local rules = {
  fetch = "function", key = "table or function", stale_time = "seconds", gc_time = "seconds",
  error_time = "seconds", retry = "retry", placeholder = "any", select = "function",
  refetch_interval = "interval", tags = "table or function", persist = "boolean", version = "count",
  migrate = "function", share = "share", session = "session", next = "function", previous = "function",
  first = "any", max_pages = "count",
}
local known = {}
for name in pairs(rules) do known[#known + 1] = name end

local function misuse(fmt, ...) error("query.define: " .. fmt:format(...), 0) end

local function check_number(name, value, rule)
  local problem = checks.number_problem(value, rule)
  if problem then misuse("%s is a number: it %s", name, problem) end
end

local shares = { none = true, read = true, write = true }
local checkers = {
  any = function() end,
  seconds = function(name, value)
    if not (type(value) == "number" and value >= 0) then
      misuse("%s is a number of seconds, 0 or more, not %s", name, checks.cut(tostring(value)))
    end
  end,
  interval = function(name, value) check_number(name, value, { least = 0.001, most = 1e9 }) end,
  count = function(name, value) check_number(name, value, { least = 1, whole = true }) end,
  retry = function(name, value)
    if type(value) == "number" then return check_number(name, value, { least = 0, whole = true }) end
    if type(value) ~= "function" and value ~= false then
      misuse("%s is a number of further attempts, false, or a function, not a %s", name, type(value))
    end
  end,
  share = function(_, value)
    if not shares[value] then
      misuse('share is "none", "read" or "write", not "%s"', checks.cut(tostring(value)))
    end
  end,
  session = function(name, value)
    if require "tidelock.session".is(value) then return end
    misuse("%s must be a session, not a %s", name, type(value))
  end,
}

local function check_option(name, value, rule)
  if checkers[rule] then return checkers[rule](name, value) end
  for kind in rule:gmatch "%a+" do
    if type(value) == kind then return end
  end
  misuse("%s must be a %s, not a %s", name, rule, type(value))
end

local function check_options(options)
  checks.check("query.define", options, known)
  if type(options) ~= "table" or not options.fetch then misuse "a query needs a function `fetch`" end
  for name, value in pairs(options) do check_option(name, value, rules[name]) end
  if (options.previous or options.max_pages or options.first ~= nil) and not options.next then
    misuse "previous, first and max_pages belong to a list of pages, which has a function `next`"
  end
end

local function tags_function(tags)
  if type(tags) ~= "table" then return tags end
  for i, tag in ipairs(tags) do
    if type(tag) ~= "string" then misuse("tags[%d] is a %s: tags are strings", i, type(tag)) end
  end
  return function() return tags end
end

-- The text of the key that a list of the options, or the name, gives.
local function base_text(name, options)
  if type(options.key) == "function" then return nil end
  return keys_of.text(options.key or { name })
end

-- A field that is nil is none of the table: it would be looked for again and again.
local function read_options(name, options)
  check_options(options)
  local def = { name = name, fetch = options.fetch, base = base_text(name, options),
    key = type(options.key) == "function" and options.key or nil, stale_time = options.stale_time or 0,
    gc_time = options.gc_time or 300, error_time = options.error_time or 5, retry = options.retry or 3,
    placeholder = options.placeholder, select = options.select, interval = options.refetch_interval,
    persist = options.persist, version = options.version, migrate = options.migrate,
    share = options.share or "none", session = options.session, next = options.next,
    previous = options.previous, first = options.first, max_pages = options.max_pages, live = {} }
  if options.retry == false then def.retry = 0 end
  local tags = tags_function(options.tags)
  if tags then def.tags_of = function(data, k) return tags(data, keys_of.list(k)) end end
  def.key_list = keys_of.list
  return def
end

-- --- handles --------------------------------------------------------------------------------

local Query = {}
local query_meta = { __index = Query, __name = "query" }

local unknown = {}

local function new_query(def, k, params)
  return setmetatable({ def = def, k = k or false, params = params, last = unknown, selected = false },
    query_meta)
end

local function key_text(def, params)
  if def.key then return keys_of.text(def.key(params)) end
  if params == nil then return def.base end
  return def.base .. "," .. keys_of.value_text(params)
end

-- The text of the key, made when it is first needed.
local function key_of(q)
  if q.k then return q.k end
  local ok, k = pcall(key_text, q.def, rawget(q, "params"))
  if not ok then error(("query %s: %s"):format(q.def.name, tostring(k)), 3) end
  q.k = k
  return k
end

--- The same query for other parameters.
function Query:with(params)
  local q = new_query(self.def, nil, params)
  local ok, k = pcall(key_text, self.def, params)
  if not ok then error(("query %s: %s"):format(self.def.name, tostring(k)), 2) end
  q.k = k
  return q
end
query_meta.__call = Query.with

-- --- reading --------------------------------------------------------------------------------

-- What `select` makes of the data; computed anew only for other data. Raises what it raises.
local function selected(q, data)
  local fn = q.def.select
  if not fn or data == nil then return data end
  if q.last ~= data then
    q.selected = fn(data, rawget(q, "params"))
    q.last = data
  end
  return q.selected
end

local function follow(value, ...)
  for i = 1, select("#", ...) do
    if value == nil then return nil end
    value = value[(select(i, ...))]
  end
  return value
end

local function shown_part(q, k, ...)
  if not q.def.select then return entries.data(q.def, k, ...) end
  return follow(selected(q, entries.data(q.def, k)), ...)
end

local function select_failed(q, err)
  if errors.is(err) then return err end
  return errors.new { code = "SCRIPT", message = ("the query %s: its select raised: %s"):format(q.def.name,
    tostring(err)) }
end

local function give(q, k, ...)
  if not q.def.select then return entries.data(q.def, k, ...) end
  local ok, value = pcall(shown_part, q, k, ...)
  if ok then return value end
  return nil, select_failed(q, value)
end

--- What is known now, or a part of it; waits for nothing and asks for nothing.
function Query:peek(...)
  entries.sweep(self.def)
  return shown_part(self, key_of(self), ...)
end

--- The data, or a part of it: at once if it is fresh, else when it has been asked for.
function Query:get(...)
  local def, k = self.def, key_of(self)
  entries.sweep(def)
  local live = def.live[k]
  if not (live and live.task) then
    if entries.is_fresh(def, k) then
      entries.mark_used(def, k)
      return give(self, k, ...)
    end
    local err = entries.recent_error(def, k)
    if err then return nil, err end
    live = fetching.live_of(def, k, rawget(self, "params"))
  end
  local err = fetching.wait(def, live)
  if err then return nil, err end
  return give(self, k, ...)
end

--- Asks for the data whatever is known; a fetch that goes on already is joined.
function Query:refetch()
  local def, k = self.def, key_of(self)
  local err = fetching.wait(def, fetching.live_of(def, k, rawget(self, "params")))
  if err then return nil, err end
  return give(self, k)
end

--- Begins to ask for the data unless it is fresh, and waits for nothing.
function Query:prefetch()
  local def, k = self.def, key_of(self)
  entries.sweep(def)
  if entries.is_fresh(def, k) or entries.recent_error(def, k) then return end
  local live = fetching.live_of(def, k, rawget(self, "params"))
  if not live.paused then fetching.start(def, live) end
end

local function fetch_status(def, k)
  if def.live[k] and def.live[k].task then return "fetching" end
  local number, _, paused = entries.fetching(def, k)
  if not number then return "idle" end
  return paused and "paused" or "fetching"
end

local function placeholder_of(q)
  local value = q.def.placeholder
  if type(value) == "function" then return value(rawget(q, "params")) end
  return value
end

-- TanStack's words: a query with data keeps it beside an error.
local function state_of(q)
  local def, k = q.def, key_of(q)
  local state = { fetch_status = fetch_status(def, k), updated_at = entries.updated_at(def, k),
    error = entries.error(def, k), invalid = entries.is_invalid(def, k) }
  local ok, data = pcall(shown_part, q, k)
  if ok then state.data = data else state.error = select_failed(q, data) end
  state.status = state.error and "error" or state.data ~= nil and "success" or "pending"
  if state.status == "pending" and def.placeholder ~= nil then
    state.data, state.status, state.placeholder = placeholder_of(q), "success", true
  end
  return state
end

--- What is known, and what goes on.
function Query:state()
  entries.sweep(self.def)
  return state_of(self)
end

-- --- writing --------------------------------------------------------------------------------

--- Writes the data: a value, or what a function makes of the data that there is.
function Query:set_data(value, none)
  checks.none("query:set_data", none)
  local def, k = self.def, key_of(self)
  if type(value) == "function" then
    value = value(entries.data(def, k))
    if value == nil then return end
  end
  if value == nil then error("query:set_data takes the data, or a function that returns it", 2) end
  entries.sweep(def)
  local ok, err = pcall(entries.write, def, k, value)
  if not ok then error(("query:set_data: %s"):format(tostring(err):gsub("^.*store:set: ", "")), 2) end
  if not def.live[k] then entries.mark_idle(def, k) end
end

-- What is invalid is asked for again where somebody observes it, or waits for it.
local function invalidate_keys(def, found)
  if not found[1] then return end
  entries.invalidate(def, found)
  for _, k in ipairs(found) do
    local live = def.live[k]
    if live and live.observers > 0 and not live.paused then fetching.start(def, live) end
  end
end

--- Makes the data of this query stale, whatever its age.
function Query:invalidate() invalidate_keys(self.def, { key_of(self) }) end

--- Forgets the data, and drops what a fetch under way brings.
function Query:remove()
  local k = key_of(self)
  entries.remove(self.def, { k })
end

-- --- hearing of it --------------------------------------------------------------------------

-- ([selector,] fn, options): a selector is a key, a path or a function.
local function arrange(first, second, third)
  if type(first) == "function" and type(second) ~= "function" then return nil, first, second end
  return first, second, third
end

local function reader(q, selector)
  local k = key_of(q)
  if type(selector) == "function" then return function() return selector(shown_part(q, k)) end end
  local path = selector == nil and {} or type(selector) == "table" and selector or { selector }
  if not q.def.select then return table.move(path, 1, #path, 4, { k, "d", 1 }) end
  return function() return shown_part(q, k, table.unpack(path)) end
end

--- Calls fn(new, old) after a turn in which the data, or a part of it, has changed. Until `off` the query
--- is observed: it is asked for now unless it is fresh, and again when it becomes invalid.
function Query:subscribe(selector, fn, options)
  selector, fn, options = arrange(selector, fn, options)
  if type(fn) ~= "function" then error("query:subscribe takes a function, not a " .. type(fn), 2) end
  checks.check("query:subscribe", options, { "fire_immediately", "equals" })
  return observing.subscribe(self, key_of(self), reader(self, selector), fn, options)
end

--- Calls fn(state) after a turn in which the state has changed; observes it too.
function Query:on_state(fn, none)
  checks.none("query:on_state", none)
  if type(fn) ~= "function" then error("query:on_state takes a function, not a " .. type(fn), 2) end
  return observing.on_state(self, key_of(self), state_of, fn)
end

pages.add_methods(Query, key_of, give)

-- --- the module -----------------------------------------------------------------------------

local function begin(def)
  for _, k in ipairs(entries.keys(def)) do
    if entries.fetching(def, k) and not def.live[k] then
      local params = store.copy(def.status:get(k, "params"))
      fetching.start(def, fetching.live_of(def, k, params))
    elseif not def.live[k] then entries.mark_idle(def, k) end
  end
  observing.begin(def)
  attached.begin(def)
end

local function follow_session(def)
  local seen
  def.session:on_change(function(state)
    local ended = state.status == "closed" and state.reason == "logout"
    local other = state.status == "open" and seen == "closed"
    seen = state.status
    if ended or other then M.clear(def) end
  end)
end

--- Declares a query of this script.
function M.define(name, options)
  if type(name) ~= "string" then error("query.define takes a name and a table of options", 2) end
  local ok, def = pcall(read_options, name, options)
  if not ok then error(def, 2) end
  local declared, why = pcall(function()
    entries.declare(def)
    attached.declare(def)
  end)
  if not declared then error((tostring(why):gsub("^.-store%.define: ", "query.define: ")), 2) end
  if def.next then def.produce = pages.produce end
  def.query = new_query(def, def.base)
  definitions[#definitions + 1] = def
  if def.session then follow_session(def) end
  timer.after(0, function() begin(def) end)
  return def.query
end

--- Uses a query of another script, as far as its owner shares it.
function M.attach(target, none)
  local ok, handle = pcall(attached.attach, target, none)
  if not ok then error((tostring(handle):gsub("^[^ ]*:%d+: ", "")), 2) end
  return handle
end

--- Whether a value is a query.
function M.is(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__name == "query"
end

local function index_of(def)
  if def.index then return def.index end
  local made = index.new()
  for _, k in ipairs(entries.keys(def)) do
    local tags = def.data:get(k, "tags")
    made:add(k, tags and store.copy(tags))
  end
  def.index = made
  return made
end

local function key_info(def, k)
  return { name = def.name, key = keys_of.list(k), data = entries.data(def, k),
    updated_at = entries.updated_at(def, k) }
end

local function invalidate_where(def, is_meant)
  local found = {}
  for _, k in ipairs(entries.keys(def)) do
    if is_meant(key_info(def, k)) then found[#found + 1] = k end
  end
  invalidate_keys(def, found)
end

--- Makes the data of keys stale: those that begin with a list, or of which a function says so.
function M.invalidate(what, none)
  checks.none("query.invalidate", none)
  if type(what) == "function" then
    for _, def in ipairs(definitions) do invalidate_where(def, what) end
    return
  end
  if M.is(what) then return what:invalidate() end
  local ok, text = pcall(keys_of.text, what)
  if not ok then error("query.invalidate: " .. text, 2) end
  for _, def in ipairs(definitions) do invalidate_keys(def, index_of(def):under(text)) end
end

--- Makes the data of all keys with a tag stale.
function M.invalidate_tag(tag, none)
  checks.none("query.invalidate_tag", none)
  if type(tag) ~= "string" then error("query.invalidate_tag takes a string, not a " .. type(tag), 2) end
  for _, def in ipairs(definitions) do invalidate_keys(def, index_of(def):with_tag(tag)) end
end

--- The user looks again: what is observed and not fresh is asked for.
function M.focus()
  for _, def in ipairs(definitions) do observing.refresh(def) end
end

--- Forgets all data of this script's queries.
function M.clear(def)
  for _, one in ipairs(def and { def } or definitions) do
    entries.remove(one, entries.keys(one))
    observing.refresh(one)
  end
end

reach.on_change(function(online)
  if online then M.focus() end
end)

checks.strict("a query", Query, "method")

return checks.strict("tidelock.query", M)
