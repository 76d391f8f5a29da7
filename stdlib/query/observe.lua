-- Who hears of a query's data. A subscription of the script's is one of the store that holds the data, so
-- that it lives by a store's rules: called after the turn, once, with the value that it saw last.
--
-- A key that somebody hears of is observed: it is asked for when it is not fresh.
local entries = require "tidelock.query.entries"
local fetching = require "tidelock.query.fetch"
local timer = require "tidelock.timer"

local M = {}

local function is_wanted(def, live)
  return live.observers > 0 and not live.task and not live.paused and not entries.is_fresh(def, live.k)
end

-- What was asked for in vain a moment ago is not asked for by each who comes.
local function ask_if_needed(def, live)
  if is_wanted(def, live) and not entries.recent_error(def, live.k) then fetching.start(def, live) end
end

--- Asks for all that is observed and not fresh.
function M.refresh(def)
  for _, live in pairs(def.live) do
    if is_wanted(def, live) then fetching.start(def, live) end
  end
end

-- --- the interval ---------------------------------------------------------------------------

local function begin_interval(def, live)
  if not def.interval or live.interval then return end
  live.interval = timer.every(def.interval, function()
    if not live.paused then fetching.start(def, live) end
  end)
end

local function end_interval(live)
  if live.interval then live.interval:stop() end
  live.interval = nil
end

-- --- observers ------------------------------------------------------------------------------

local function observe(q, k)
  local def = q.def
  local live = fetching.live_of(def, k, rawget(q, "params"))
  live.observers = live.observers + 1
  begin_interval(def, live)
  if def.begun then ask_if_needed(def, live) end
  return live
end

local function leave(def, live)
  live.observers = live.observers - 1
  if live.observers > 0 then return end
  end_interval(live)
  fetching.settle(def, live)
end

local function handle(def, live, handles)
  local over = false
  return { off = function()
    if over then return end
    over = true
    for _, one in ipairs(handles) do one:off() end
    leave(def, live)
  end }
end

--- Subscribes fn(new, old) to a part of the data store.
function M.subscribe(q, k, selector, fn, options)
  return handle(q.def, observe(q, k), { q.def.data:subscribe(selector, fn, options) })
end

local fields = { "data", "error", "status", "fetch_status", "updated_at", "placeholder", "invalid" }

local function is_same(a, b)
  for _, name in ipairs(fields) do
    if a[name] ~= b[name] then return false end
  end
  return true
end

--- Subscribes fn(state) to the state: once a turn, although it is in two stores.
function M.on_state(q, k, state_of, fn)
  local def, last = q.def, {}
  local function look()
    local state = state_of(q)
    if is_same(state, last) then return end
    last = state
    fn(state)
  end
  return handle(def, observe(q, k), { def.data:subscribe(k, look), def.status:subscribe(k, look) })
end

--- The script runs: what its top level observes is asked for.
function M.begin(def)
  def.begun = true
  for _, live in pairs(def.live) do ask_if_needed(def, live) end
  def.status:subscribe(function()
    for _, live in pairs(def.live) do
      if live.follow then live.follow:open() end
    end
  end)
end

return M
