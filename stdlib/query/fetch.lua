-- How a query's function is asked: once for all who want to know, again after a failure, and once more if
-- what it brought was out of date before it came.
--
-- What goes on for a key is its `Live` in def.live, made when somebody wants something of the key and
-- dropped when nothing goes on:
--
--   task: the fetch, or nil    observers: how many    waiting: gates of those who wait while it is paused
--
-- A fetch is a task that nobody owns: a caller that is cancelled leaves it to the others.
local entries = require "tidelock.query.entries"
local errors = require "tidelock.errors"
local http_core = require "tidelock.http.core"
local http_status = require "tidelock.http.status"
local reach = require "tidelock.net.reach"
local script = require "tidelock.script"
local tasks = require "tidelock.task.core"
local timer = require "tidelock.timer"

local M = {}

local most_rounds = 2 -- fetches in a row of one task
local first_wait, longest_wait = 1, 30
local patience = 10 -- seconds that a caller without data waits for the network
local longest_grace = 6 -- that a fetch of the generation before may take

-- --- live -----------------------------------------------------------------------------------

local function live_of(def, k, params)
  local live = def.live[k]
  if live then return live end
  live = { k = k, params = params, observers = 0 }
  def.live[k] = live
  entries.mark_busy(def, k)
  return live
end
M.live_of = live_of

--- Forgets what does not go on any more.
function M.settle(def, live)
  if live.task or live.observers > 0 or live.waiting or def.live[live.k] ~= live then return end
  def.live[live.k] = nil
  entries.mark_idle(def, live.k)
end

-- --- asking ---------------------------------------------------------------------------------

local function raised(def, err)
  if errors.is(err) then return err end
  return errors.new { code = "SCRIPT", message = ("the query %s: its fetch raised: %s"):format(def.name,
    tostring(err)) }
end

local function empty(def)
  local text = "the query %s: its fetch returned nothing: an empty list is data, nil is not"
  return errors.new { code = "INVALID", message = text:format(def.name) }
end

local function as_error(err)
  if type(err) == "table" and type(err.code) == "string" then return err end
  return errors.new { code = "INVALID", message = tostring(err) }
end

local function ends_task(err) return errors.is(err, "CANCELLED") or errors.is(err, "RELOADED") end

-- Returns data; or nil, an error, and whether that is final.
local function ask(def, params, info)
  local ok, value, err = pcall(def.fetch, params, info)
  if ok and value ~= nil then return value end
  if not ok then
    if ends_task(value) then error(value, 0) end
    return nil, raised(def, value), true
  end
  if err == nil then return nil, empty(def), true end
  return nil, as_error(err)
end

-- A status of 4xx says that the same request will be refused again.
local function is_final(err)
  local status = math.type(err.status) and err.status
  return status and status >= 400 and status < 500 and not http_status.later[status]
end

-- The seconds until the next attempt, or nil: there is none.
local function wait_before(def, number, err)
  local retry = def.retry
  if type(retry) == "function" then
    local ok, more = pcall(retry, number, err)
    if not ok or not more then return nil end
    if type(more) == "number" then return math.max(more, 0) end
  elseif number > retry or is_final(err) then return nil end
  return err.retry_after or http_core.share() * math.min(longest_wait, first_wait * 2 ^ (number - 1))
end

-- Asks until there is data, or it is no use. The network being away counts as no attempt: `paused`.
local function ask_again(def, params, info)
  local number = 0
  while true do
    local value, err, final = ask(def, params, info)
    if value ~= nil then return value end
    if reach.is_away(err) then return nil, err, true end
    number = number + 1
    local wait = not final and wait_before(def, number, err)
    if not wait then return nil, err end
    tasks.sleep(wait)
  end
end
M.ask = ask_again

-- --- the task -------------------------------------------------------------------------------

-- What a definition does at a fetch: for a list of pages query/pages.lua has another.
local function produce(def, live) return ask_again(def, live.params, { key = def.key_list(live.k) }) end

local function store_answer(def, live, number, value)
  local ok, shown, again = pcall(entries.succeed, def, live.k, number, value)
  if ok then return shown, again end
  local err = errors.new { code = "INVALID",
    message = ("the query %s: what its fetch returned cannot be kept: %s"):format(def.name, tostring(shown)) }
  entries.fail(def, live.k, number, err)
  return false, false, err
end

-- One fetch. Returns whether one more has to follow, and the error, or whether it waits for the network.
local function run_round(def, live, want)
  local number = entries.begin(def, live.k, live.params)
  local value, err, away = (want or def.produce or produce)(def, live)
  if value ~= nil then
    local mine, again, why = store_answer(def, live, number, value)
    if why then return false, why end
    if not mine and not again then return false, M.dropped(def) end
    return again
  end
  if away and entries.pause(def, live.k, number) then return false, err, true end
  local mine, again = entries.fail(def, live.k, number, err)
  if not mine then return false, M.dropped(def) end
  return again, err
end

function M.dropped(def)
  return errors.new { code = "ABORTED",
    message = ("the query %s: what was asked for was removed"):format(def.name) }
end

-- Whether a fetch of an earlier generation goes on.
local function is_earlier(def, live)
  local number, by, paused = entries.fetching(def, live.k)
  return number and by ~= script.generation and not paused
end

-- The answer of such a fetch is taken, but it is not waited for longer than its generation lives.
local function follow_earlier(def, live)
  local ends = timer.now() + longest_grace
  while timer.now() < ends do
    if not is_earlier(def, live) then return end
    live.follow = tasks.gate()
    live.follow:wait(ends - timer.now())
    live.follow = nil
  end
end

local function run_rounds(def, live, want)
  local again, err, away
  for _ = 1, most_rounds do
    again, err, away = run_round(def, live, want)
    want = nil
    if not again then break end
  end
  return again, err, away
end

local resume_later

-- The body of a fetch's task. Returns the error, and whether it is only paused.
local function run(def, live, want)
  tasks.set_scoped()
  local again, err, away
  local earlier = is_earlier(def, live)
  if earlier then follow_earlier(def, live) end
  if want or not earlier or is_earlier(def, live) or entries.is_invalid(def, live.k) then
    again, err, away = run_rounds(def, live, want)
  else err = entries.recent_error(def, live.k) end
  live.task = nil
  if away then resume_later(def, live, err) end
  if again then M.start(def, live) end
  M.settle(def, live)
  return err, away
end

--- Begins a fetch if none goes on. `want`: what is to be done instead of asking for the data anew.
function M.start(def, live, want)
  if live.task then return live.task end
  live.paused = nil
  if not want then live.wants = nil end
  live.task = tasks.spawn(run, def, live, want)
  return live.task
end

-- --- while the network is away --------------------------------------------------------------

local function open_waiting(live)
  local waiting = live.waiting
  live.waiting = nil
  for _, gate in ipairs(waiting or {}) do gate:open() end
end

local function resume(def, live)
  live.paused = nil
  if not def.live[live.k] then return end
  M.start(def, live)
  open_waiting(live)
end

function resume_later(def, live, err)
  live.why = err
  live.paused = true
  live.waiting = live.waiting or {}
  reach.when_back(function() resume(def, live) end)
end

-- Waits until a paused fetch goes on; false: the caller's time is over.
local function wait_for_network(live, ends)
  local left = ends - timer.now()
  if left <= 0 then return false end
  local gate = tasks.gate()
  live.waiting = live.waiting or {}
  table.insert(live.waiting, gate)
  return gate:wait(left)
end

-- --- waiting --------------------------------------------------------------------------------

-- Waits while the fetch is paused, until `ends`. Returns whether it goes on; false with an error, or with
-- data.
local function wait_while_paused(def, live, ends)
  while live.paused do
    if entries.has_data(def, live.k) then return false end
    if not wait_for_network(live, ends) then return false, live.why end
  end
  return true
end

--- Waits for the fetch of a key, which begins if none goes on. Returns the error, if it failed.
function M.wait(def, live, want)
  local asked, ends = false, nil
  while true do
    ends = ends or live.paused and timer.now() + patience
    local goes_on, why = wait_while_paused(def, live, ends)
    if not goes_on then return why end
    if asked and not live.task then return entries.error(def, live.k) end
    local err, away = M.start(def, live, want):await()
    if not away then return err end
    asked, want = true, nil
  end
end

return M
