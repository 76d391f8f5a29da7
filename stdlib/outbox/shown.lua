-- What entries that wait change in stores: shown at once, applied anew over each new state, and made for good
-- when the entry is done (runtime/resource/mutations.h).
local log = require "tidelock.log"
local stores = require "tidelock.store.core"
local tasks = require "tidelock.task.core"

local M = {}

local function tell(name, id, text, err)
  log.error(("outbox: %s %s %s: %s"):format(name, id, text, tostring(err)))
end

local function argument_of(entry, args) return { args = args, id = entry.id, time = entry.time } end

-- Calls fn(draft..., args, [result,] entry); the drafts come last here.
local function call_with(fn, argument, result, ...)
  local all = table.pack(...)
  local n = all.n + 1
  all[n] = argument.args
  if result ~= nil then
    n = n + 1
    all[n] = result
  end
  all[n + 1] = { id = argument.id, time = argument.time }
  fn(table.unpack(all, 1, n + 1))
end

--- Declares how entries of a mutation are applied.
function M.define(definition)
  local apply = definition.apply
  stores.mutation(definition.name, function(argument, ...) call_with(apply, argument, nil, ...) end)
end

--- The stores that an entry changes; raises where `on` gives none.
function M.targets(definition, args)
  local targets = table.pack(definition.on(args))
  if targets[1] == nil then
    error(("%s: `on` returns the stores that `apply` changes"):format(definition.name), 0)
  end
  return { table.unpack(targets, 1, targets.n) }
end

local function pend(definition, entry, args)
  stores.pend(M.targets(definition, args), entry.id, definition.name, argument_of(entry, args))
end

--- Shows the change of an entry; of one that is shown already the arguments are replaced.
function M.show(definition, entry, args)
  local ok, err = pcall(pend, definition, entry, args)
  if not ok then tell(definition.name, entry.id, "is not shown", err) end
end

function M.take_out(id) stores.unpend(id) end

--- Shows a new entry. What it returns waits for the disk as `pending` does; the change is taken out where the
--- entry cannot be written.
function M.enter(definition, entry, args, pending)
  M.show(definition, entry, args)
  local task = tasks.spawn(function()
    local written, err = pending:wait()
    if not written then stores.unpend(entry.id) end
    return written, err
  end)
  return { wait = function() return task:await() end }
end

local function flush(store)
  local ok, saved, err = pcall(store.flush, store)
  if not ok or not saved then log.error("outbox: a change is not saved: " .. tostring(err or saved)) end
end

--- Makes the change for good: `settle` edits the states, or `apply` does once more. done() is called when
--- that is on the disk: a process that ends in between sends the entry again, under its key.
function M.settle(definition, entry, args, result, done)
  local own, argument = definition.settle, argument_of(entry, args)
  local settle = own and function(...) call_with(own, argument, result, ...) end or nil
  local ok, err = stores.settle(entry.id, settle)
  if not ok then
    stores.unpend(entry.id)
    tell(definition.name, entry.id, "is done, and its change is not kept", err)
  end
  tasks.spawn(function()
    local found, targets = pcall(M.targets, definition, args)
    for _, store in ipairs(found and targets or {}) do flush(store) end
    done()
  end)
end

return M
