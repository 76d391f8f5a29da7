-- Server-sent events: one connection after the other, each begun where the last one ended (events_plan.lua).
-- The loop over events is here. Streams that are declared are in runtime/resource/event_source.c, which asks
-- here what comes next. See docs/http.md, "Event streams".
local options_of = require "tidelock.http.options"
local plan = require "tidelock.http.events_plan"
local reader = require "tidelock.http.events_core"
local store = require "tidelock.store"
local task = require "tidelock.task"

local M = { configure = plan.configure, request_for = plan.request_for }

-- --- what is kept under a name -----------------------------------------------------------------

-- The ids that outlive the process lie in a store of the script's.
local kept

local function kept_ids()
  kept = kept or store.define("http.last_ids", { initial = { ids = {} }, persist = { "ids" } })
  return kept
end

local function keep_id(config, id)
  kept_ids():change(function(draft) draft.ids[config.name] = { url = config.url, id = id } end)
end

-- The id of another URL is another stream's. Stores cannot be read while a script loads.
local function kept_id(name, url)
  local ok, ids = pcall(function() return kept and kept:get().ids end)
  local entry = ok and ids and ids[name]
  return entry and (not url or entry.url == url) and entry.id or nil
end

--- The last id of the script's stream of this name, or nil.
function M.last_id(name)
  if type(name) ~= "string" then options_of.misuse("last_id takes a name, not a %s", type(name)) end
  if name:find "%z" then return nil end
  return reader.last_id(name) or kept_id(name)
end

local function declare(config, connector)
  if config.persist then kept_ids() end
  return reader.declare(config.name, { url = config.url, fingerprint = config.fingerprint,
    last_id = config.last_id, max_event = config.max_event }, connector)
end

-- --- declared streams -------------------------------------------------------------------------

local function answer_end(config, at, err)
  local wait, why = plan.after_end(config, at, err)
  if wait then plan.tell_failure(config, at, err, wait) end
  if wait then return nil, err, wait end
  if why then return nil, why end
  return "over"
end

local function answer_connect(config, at, handle, ask)
  local kind, res, wait = plan.connect(config, at)
  if kind == "open" then
    local gap = plan.has_gap(at)
    if gap then plan.tell_gap(config, at) end
    reader.adopt(handle, ask, res.stream or res.body, gap)
  elseif wait then
    plan.tell_failure(config, at, res, wait)
  end
  return kind, res, wait
end

-- At the first connection of the process: what an earlier one has kept.
local function seed(config, at, handle)
  local id = config.persist and not at.opened and at.id == config.last_id and
    kept_id(config.name, config.url)
  if not id then return end
  at.id = id
  reader.note(handle, id)
end

-- What runtime/resource/event_source.h says of its connector.
local function connector_of(config, given)
  local told = {}
  return function(ask, id, retry, number, opened, lost, err)
    local at = { id = id, retry = retry, number = number, opened = opened, told = told.failure and number > 1,
      gap_told = told.gap }
    seed(config, at, given.handle)
    local kind, res, wait
    if lost then kind, res, wait = answer_end(config, at, err)
    else kind, res, wait = answer_connect(config, at, given.handle, ask) end
    told.failure, told.gap = at.told, at.gap_told
    return kind, res, wait
  end
end

--- Declares a stream: what it returns has on(fn), on_state(fn), off(), close(), state(), last_id(); or nil,
--- err.
function M.source(config)
  local given = {}
  local handle, err = declare(config, connector_of(config, given))
  given.handle = handle
  if handle and config.persist then
    reader.on_last(handle, function(event) if event.id then keep_id(config, event.id) end end)
  end
  return handle, err
end

-- --- the loop -------------------------------------------------------------------------------

local function tell_state(state, name, info)
  if state.config.on_state then state.config.on_state(name, info) end
end

local function finish(state, err)
  state.over = true
  reader.close(state.reader)
  tell_state(state, "closed", { error = err })
  if err then error(err, 0) end
end

local function go_to_sleep(state, err, wait)
  local at = state.at
  plan.tell_failure(state.config, at, err, wait)
  tell_state(state, "reconnecting", { error = err, retry_in = wait, attempt = at.number })
  task.sleep(wait)
end

local function open(state, res)
  local at = state.at
  local gap = plan.has_gap(at)
  if gap then plan.tell_gap(state.config, at) end
  at.opened, at.asked, state.open = true, false, true
  reader.open(state.reader, res.stream or res.body, gap)
  tell_state(state, "connected", { gap = gap or nil })
end

local function connect(state)
  local at = state.at
  tell_state(state, "connecting", {})
  while not state.open and not state.over do
    at.number = at.number + 1
    local kind, res, wait = plan.connect(state.config, at)
    if kind == "open" then open(state, res)
    elseif kind == "over" then finish(state)
    elseif wait then go_to_sleep(state, res, wait)
    else finish(state, res) end
  end
end

-- The stream has ended, or broke off.
local function go_on(state, err)
  local at = state.at
  state.open = false
  at.id, at.retry = reader.place(state.reader)
  at.number = math.max(at.number, 1)
  local wait, why = plan.after_end(state.config, at, err)
  if not wait then return finish(state, why) end
  go_to_sleep(state, err, wait)
  connect(state)
end

-- In a step that waits, its task is cut at a swap of generations.
local function protect(state, step, err)
  reader.hold(state.reader)
  local ok, why = pcall(step, state, err)
  if not state.over then reader.release(state.reader) end
  if not ok then error(why, 0) end
end

local function note_id(state, id)
  if id == state.noted then return end
  state.noted = id
  reader.note(state.handle, id)
  if state.config.persist then keep_id(state.config, id) end
end

local function next_event(state)
  while not state.over do
    local event, err = nil, nil
    if state.open then event, err = reader.next(state.reader) end
    if event then
      state.at.number, state.at.told = 0, false
      if state.handle then note_id(state, event.id or "") end
      return event
    end
    if not state.open then protect(state, connect)
    elseif event == nil then protect(state, go_on, err) end
  end
  return nil
end

local function close(state)
  state.over = true
  reader.close(state.reader)
end

-- The names of this generation's loops.
local handles = {}

local function handle_of(config)
  if handles[config.name] then return handles[config.name] end
  local handle, err = declare(config)
  if not handle then error(err, 0) end
  handles[config.name] = handle
  return handle
end

--- for event in M.loop(config): raises what ends it, as io.lines does: a loop that just ended would look
--- complete.
function M.loop(config)
  local handle = config.name and handle_of(config)
  local last_id = config.last_id ~= "" and config.last_id or handle and M.last_id(config.name) or ""
  local state = { config = config, reader = reader.reader(config.max_event, last_id), handle = handle,
    at = { id = last_id, number = 0, opened = false } }
  return next_event, state, nil, setmetatable({}, { __close = function() close(state) end })
end

return M
