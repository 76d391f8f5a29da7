-- Queries of other scripts: query.attach "client:messages".
--
-- What is known is read in the owner's stores. What is wanted is written into a third store of the owner's,
-- "query.NAME.asks", as [id] = { op, params, value }; the owner does it and writes { done, e }, and who
-- asked removes that. So the function of the query runs in the owner alone.
local checks = require "tidelock.options.core"
local entries = require "tidelock.query.entries"
local errors = require "tidelock.errors"
local json = require "tidelock.json"
local keys_of = require "tidelock.query.key"
local script = require "tidelock.script"
local store = require "tidelock.store"
local tasks = require "tidelock.task.core"

local M = {}

local patience = 60 -- seconds that the owner may take
local base_key = "#base"

-- --- the owner's side -----------------------------------------------------------------------

local reading = { get = true, refetch = true, prefetch = true }
local writing = { set_data = true, invalidate = true, remove = true }

local function denied(def, op)
  return errors.new { code = "DENIED",
    message = ('query:%s: the query %s is not shared for that (share = "write")'):format(op, def.name) }
end

-- Returns an error, if it failed.
local function perform(def, ask)
  if not (reading[ask.op] or def.share == "write" and writing[ask.op]) then return denied(def, ask.op) end
  local q = def.query
  if ask.params ~= nil then q = q:with(store.copy(ask.params)) end
  if ask.op == "set_data" then return q:set_data(store.copy(ask.value[1])) end
  local _, err = q[ask.op](q)
  return err
end

local function answer(def, id, ask)
  local ok, err = pcall(perform, def, ask)
  if not ok then err = errors.new { code = "INVALID", message = tostring(err) } end
  def.asks:set { [id] = { done = true, e = err and entries.error_record(err) } }
end

local function look_at_asks(def)
  for id, ask in pairs(def.asks:get()) do
    if not ask.done and not def.taken[id] then
      def.taken[id] = true
      tasks.spawn(answer, def, id, ask)
    end
  end
  for id in pairs(def.taken) do
    if not def.asks:get(id) then def.taken[id] = nil end
  end
end

--- Declares what others ask by.
function M.declare(def)
  if def.share == "none" then return end
  local history = { count = 1, bytes = 1 }
  def.asks = store.define("query." .. def.name .. ".asks", { share = "write", history = history })
end

--- The script runs: does what others ask, now and later.
function M.begin(def)
  if not def.asks then return end
  def.taken = {}
  if def.base then def.status:set { [base_key] = def.base } end
  def.asks:subscribe(function() look_at_asks(def) end, { fire_immediately = true })
end

-- --- the other side -------------------------------------------------------------------------

local Attached = {}
local attached_meta = { __index = Attached, __name = "query" }
local serial = 0

local function new_handle(def, params)
  return setmetatable({ def = def, params = params }, attached_meta)
end

-- The text of the key; nil: the owner has not loaded yet.
local function key_of(q)
  local params = rawget(q, "params")
  local base = q.def.status:get(base_key)
  if not base then return nil end
  return params == nil and base or base .. "," .. keys_of.value_text(params)
end

local function gone(def)
  return errors.new { code = "NOT_FOUND",
    message = ("the query %s: its owner does not answer, or does not share it"):format(def.target) }
end

-- Waits until the owner has done it, and takes what it says away.
local function wait_for_answer(def, id, gate)
  local handle = def.asks:subscribe({ id, "done" }, function() gate:open() end)
  local heard = def.asks:get(id, "done") or gate:wait(patience)
  handle:off()
  local kept = def.asks:get(id, "e")
  def.asks:set { [id] = json.null }
  if not heard then return gone(def) end
  return kept and entries.error_of(kept)
end

local function ask(q, op, value)
  local def = q.def
  serial = serial + 1
  local id = ("%s-%d-%d"):format(script.name, script.generation, serial)
  local wrapped = value ~= nil and { value } or nil
  local wanted = { op = op, params = rawget(q, "params"), value = wrapped }
  local ok = pcall(def.asks.set, def.asks, { [id] = wanted })
  if not ok then return gone(def) end
  return wait_for_answer(def, id, tasks.gate())
end

function Attached:with(params)
  keys_of.value_text(params)
  return new_handle(self.def, params)
end
attached_meta.__call = Attached.with

function Attached:peek(...)
  local k = key_of(self)
  if not k then return nil end
  return entries.data(self.def, k, ...)
end

for _, op in ipairs { "get", "refetch" } do
  Attached[op] = function(self, ...)
    local err = ask(self, op)
    if err then return nil, err end
    return self:peek(...)
  end
end

for _, op in ipairs { "set_data", "invalidate", "remove" } do
  Attached[op] = function(self, value)
    if op == "set_data" and (value == nil or type(value) == "function") then
      error("query:set_data of another script's query takes the data", 2)
    end
    local err = ask(self, op, value)
    if err then return nil, err end
    return true
  end
end

function Attached:prefetch() tasks.spawn(ask, self, "prefetch") end

function Attached:state()
  local k = key_of(self)
  if not k then return { status = "pending", fetch_status = "idle", invalid = false } end
  local def = self.def
  local number, _, paused = entries.fetching(def, k)
  local err, data = entries.error(def, k), entries.data(def, k)
  return { data = data, error = err, status = err and "error" or data ~= nil and "success" or "pending",
    fetch_status = number and (paused and "paused" or "fetching") or "idle",
    updated_at = entries.updated_at(def, k), invalid = entries.is_invalid(def, k) }
end

--- Calls fn(new, old) when the data has changed. Who wants it asked for says so: the owner observes.
function Attached:subscribe(fn, options, none)
  checks.none("query:subscribe", none)
  if type(fn) ~= "function" then error("query:subscribe takes a function, not a " .. type(fn), 2) end
  return self.def.data:subscribe(function() return self:peek() end, fn, options)
end

--- Attaches to a query of another script.
function M.attach(target, none)
  checks.none("query.attach", none)
  local owner, name = tostring(target):match "^([^:]+):(.+)$"
  if not owner then error('query.attach takes "script:query", not ' .. checks.cut(tostring(target)), 2) end
  local def = { name = name, target = target }
  entries.attach(def, owner)
  def.asks = store.attach(owner .. ":query." .. name .. ".asks")
  return new_handle(def)
end

checks.strict("a query of another script", Attached, "method")

return M
