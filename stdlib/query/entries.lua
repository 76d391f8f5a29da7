-- What is known of each key of a query: two stores, which live over reloads and which other scripts can
-- attach to.
--
--   data, "query.NAME":          [key] = { d = { the data }, at, stale, tags }        may be persisted
--   status, "query.NAME.state":  [key] = { n, v, f, by, p, e, ea, b, params }         of this process
--
-- What happens to a key is numbered, by one count for all keys of the query ("#" in status): `n` is the
-- number of what wrote the data, `v` of the last invalidation, `f` of the fetch that is under way. So an
-- answer that was asked for before something was written, or became invalid, is known by its number, also
-- over a reload: there is nothing else to cancel or to compare.
--
--   by: the generation whose fetch it is     p: it waits for the network
--   e, ea: the error of the last fetch, and when     b: when the data came, by a clock that nobody sets
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local keys_of = require "tidelock.query.key"
local script = require "tidelock.script"
local store = require "tidelock.store"
local timer = require "tidelock.timer"

local M = {}

local now, wall = timer.now, os.time
local count_key = "#"

-- --- the stores -----------------------------------------------------------------------------

local function migrated(def)
  if not def.migrate then return function(draft) for k in pairs(draft) do draft[k] = nil end end end
  return function(draft, from)
    for k, record in pairs(draft) do
      local value = def.migrate(record.d[1], from)
      if value == nil then draft[k] = nil else record.d[1] = value end
    end
  end
end

local no_history = { count = 1, bytes = 1 }

--- Declares the stores of a definition.
function M.declare(def)
  local shared = def.share ~= "none" and "read" or "none"
  def.data = store.define("query." .. def.name, { share = shared, persist = def.persist or nil,
    version = def.version, migrate = migrated(def), history = no_history })
  def.status = store.define("query." .. def.name .. ".state", { share = shared, history = no_history })
  def.errors, def.idle_since = {}, {}
  def.idle, def.idle_at, def.first_idle, def.last_idle = {}, {}, 1, 0
end

--- Attaches to those of another script.
function M.attach(def, owner)
  def.data = store.attach(owner .. ":query." .. def.name)
  def.status = store.attach(owner .. ":query." .. def.name .. ".state")
  def.errors = {}
end

-- --- status ---------------------------------------------------------------------------------

local function copy_record(view)
  local record = {}
  if view then for name, value in pairs(view) do record[name] = value end end
  return record
end

-- Writes the status of a key, and the count.
local function put_status(def, k, count, record)
  def.status:set { [k] = record, [count_key] = count }
end

local function next_number(def) return (def.status:get(count_key) or 0) + 1 end

-- --- reading --------------------------------------------------------------------------------

--- The data, or a part of it; nil: none.
function M.data(def, k, ...) return def.data:get(k, "d", 1, ...) end
function M.has_data(def, k) return def.data:get(k) ~= nil end
function M.updated_at(def, k) return def.data:get(k, "at") end

-- Of what another process has written, only the wall clock tells the age. One that went back tells nothing.
local function age_of(def, k)
  local born = def.status:get(k, "b")
  if born then return now() - born end
  local at = def.data:get(k, "at")
  local age = at and wall() - at
  return age and age >= 0 and age or math.huge
end

--- Whether it was invalidated since the data came.
function M.is_invalid(def, k)
  local invalid = def.status:get(k, "v")
  if invalid then return invalid > (def.status:get(k, "n") or 0) end
  return def.data:get(k, "stale") == true
end

function M.is_fresh(def, k)
  if not M.has_data(def, k) or M.is_invalid(def, k) then return false end
  return age_of(def, k) < def.stale_time
end

--- The error of the last fetch, nil: it went well, or is too old to stand for the next one.
function M.recent_error(def, k)
  local at = def.status:get(k, "ea")
  if not at then return nil end
  local err = M.error(def, k)
  if now() - at < math.max(def.error_time, err.retry_after or 0) then return err end
  return nil
end

local kept_fields = { "code", "message", "severity", "recoverable", "retry_after", "phase", "sent" }

--- The fields of an error that a store can hold.
local function error_record(err)
  local record = { status = math.type(err.status) and err.status or nil }
  for _, name in ipairs(kept_fields) do
    local value = err[name]
    if type(value) ~= "table" and type(value) ~= "userdata" then record[name] = value end
  end
  return record
end

M.error_record = error_record

--- The error of such a record.
function M.error_of(kept)
  local fields = store.copy(kept)
  local status = fields.status
  fields.status = nil
  local err = errors.new(fields)
  err.status = status
  return err
end

function M.error(def, k)
  local kept = def.status:get(k, "e")
  return kept and (def.errors[k] or M.error_of(kept))
end

--- The number of the fetch under way, the generation whose it is, and whether it waits for the network.
function M.fetching(def, k)
  local number = def.status:get(k, "f")
  if not number then return nil end
  return number, def.status:get(k, "by"), def.status:get(k, "p") == true
end

-- --- leaving what nobody uses ---------------------------------------------------------------

local function forget(def, k)
  def.errors[k] = nil
  def.idle_since[k] = nil
  if def.index then def.index:remove(k) end
end

--- Removes keys.
function M.remove(def, keys)
  local gone = {}
  for _, k in ipairs(keys) do
    gone[k] = json.null
    forget(def, k)
  end
  if next(gone) == nil then return end
  def.data:set(gone)
  def.status:set(gone)
end

local function push_idle(def, k, since)
  local last = def.last_idle + 1
  def.last_idle = last
  def.idle[last], def.idle_at[last] = k, since
end

--- Nobody observes it, and nothing is under way: from now on its time runs.
function M.mark_idle(def, k)
  if def.gc_time == math.huge then return end
  local time = now()
  if not def.idle_since[k] then push_idle(def, k, time) end
  def.idle_since[k] = time
end

--- It was read.
function M.mark_used(def, k)
  if def.idle_since[k] then def.idle_since[k] = now() end
end

--- Somebody observes it.
function M.mark_busy(def, k) def.idle_since[k] = nil end

-- Takes the first of the queue: its key, if its time is over.
local function take_idle(def, time)
  local first = def.first_idle
  local k = def.idle[first]
  def.idle[first], def.idle_at[first], def.first_idle = nil, nil, first + 1
  local since = def.idle_since[k]
  if not since or def.live[k] then
    def.idle_since[k] = nil
    return nil
  end
  if time - since >= def.gc_time then return k end
  push_idle(def, k, since) -- it was read meanwhile
  return nil
end

--- Removes what nobody has used for gc_time. In the order in which it fell idle, so that it costs what it
--- removes.
function M.sweep(def)
  local gone, time = {}, now()
  while def.first_idle <= def.last_idle and time - def.idle_at[def.first_idle] >= def.gc_time do
    gone[#gone + 1] = take_idle(def, time)
  end
  if gone[1] then M.remove(def, gone) end
end

-- --- what happens to a key ------------------------------------------------------------------

-- The parameters go along where they are plain data, so that the next generation can ask.
local function plain(params)
  return pcall(keys_of.value_text, params) and params or nil
end

--- A fetch begins: returns its number.
function M.begin(def, k, params)
  if def.key then params = plain(params) end
  local number, record = next_number(def), copy_record(def.status:get(k))
  record.f, record.by, record.p, record.params = number, script.generation, nil, params
  put_status(def, k, number, record)
  return number
end

local function write_data(def, k, value, stale)
  local tags = def.tags_of and def.tags_of(value, k) or nil
  def.data:set { [k] = { d = { value }, at = wall(), stale = stale or nil, tags = tags } }
  if def.index then def.index:add(k, tags) end
end

local function clear_fetch(record) record.f, record.by, record.p, record.params = nil, nil, nil, nil end
local function clear_error(def, k, record)
  record.e, record.ea = nil, nil
  def.errors[k] = nil
end

--- What a fetch brought. Returns whether it may be shown, and whether one more has to follow: it was asked
--- for before the data was written otherwise, or before it became invalid.
function M.succeed(def, k, number, value)
  local record = copy_record(def.status:get(k))
  if record.f ~= number then return false, false end
  local overtaken = (record.n or 0) > number
  local invalid = (record.v or 0) > number
  if not overtaken then
    write_data(def, k, value, invalid)
    record.n, record.b = number, now()
  end
  clear_fetch(record)
  clear_error(def, k, record)
  def.status:set { [k] = record }
  return true, overtaken or invalid
end

--- A fetch failed. Returns as `succeed`.
function M.fail(def, k, number, err)
  local record = copy_record(def.status:get(k))
  if record.f ~= number then return false, false end
  clear_fetch(record)
  record.e, record.ea = error_record(err), now()
  def.errors[k] = err
  def.status:set { [k] = record }
  return true, (record.v or 0) > number
end

--- It waits for the network; returns whether it is still that fetch's.
function M.pause(def, k, number)
  local record = copy_record(def.status:get(k))
  if record.f ~= number then return false end
  record.p = true
  def.status:set { [k] = record }
  return true
end

--- A fetch of an earlier generation has ended without a word.
function M.abandon(def, k)
  local record = copy_record(def.status:get(k))
  clear_fetch(record)
  def.status:set { [k] = record }
end

--- Data that this side writes. It is no answer: what was invalid stays so.
function M.write(def, k, value)
  write_data(def, k, value, M.is_invalid(def, k))
  local number, record = next_number(def), copy_record(def.status:get(k))
  local invalid = record.v and record.v > (record.n or 0)
  record.n, record.b = number, now()
  record.v = invalid and number + 1 or nil
  clear_error(def, k, record)
  put_status(def, k, invalid and number + 1 or number, record)
end

--- Makes keys invalid, all at once.
function M.invalidate(def, keys)
  local number, changed, stale = next_number(def), {}, nil
  changed[count_key] = number
  for _, k in ipairs(keys) do
    local record = copy_record(def.status:get(k))
    record.v = number
    clear_error(def, k, record)
    changed[k] = record
    if def.persist and M.has_data(def, k) then
      local data = copy_record(def.data:get(k))
      data.stale = true
      stale = stale or {}
      stale[k] = data
    end
  end
  def.status:set(changed)
  if stale then def.data:set(stale) end
end

--- All keys that something is known of.
function M.keys(def)
  local keys, seen = {}, {}
  for k in pairs(def.data:get()) do
    keys[#keys + 1] = k
    seen[k] = true
  end
  for k in pairs(def.status:get()) do
    if k:sub(1, 1) ~= "#" and not seen[k] then keys[#keys + 1] = k end
  end
  return keys
end

return M
