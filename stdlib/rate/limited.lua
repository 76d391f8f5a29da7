-- A function that runs less often than it is called: what debounce, throttle, frame and idle of
-- tidelock.rate have in common. When it runs is decided as lodash's debounce decides it (4.17),
-- with the time of the last call and of the last run in the place of a timer that always runs.
--
-- A run that is due later is a task that waits for its time and then calls the function. All calls
-- until then belong to it, and the last one's arguments are used.
local core = require "tidelock.rate.core"
local checks = require "tidelock.options.core"
local errors = require "tidelock.errors"
local tasks = require "tidelock.task.core"
local timer = require "tidelock.timer"

local M = { most = 10000 } -- who may wait for one limiter

local now, spawn, new_gate = timer.now, tasks.spawn, tasks.gate
local never = -math.huge
local slack = 1e-6 -- what adding and subtracting times may lose
local pack, unpack, select = table.pack, table.unpack, select

function M.too_many()
  return errors.new { code = "BUSY", message = ("%d tasks wait for it already"):format(M.most) }
end

-- --- a run ----------------------------------------------------------------------------------

-- What a call returns: `await` gives what the run returned that uses the call's arguments.
local Run = checks.strict("a run", {}, "method")
local run_meta = { __index = Run, __name = "run" }

local texts = {
  CANCELLED = "the run was cancelled",
  RELOADED = "the script was reloaded, and the result is not plain data",
  ABORTED = "the call was dropped: no run uses its arguments",
}

local function failed(code) return nil, errors.new { code = code, message = texts[code] } end

local function end_await(run, ok, ...)
  local limiter = run.limiter
  limiter.waiting = limiter.waiting - 1
  run.waiters = run.waiters - 1
  if ok then return ... end
  if run.code and errors.is((...), "CANCELLED") then return failed(run.code) end
  error((...), 0)
end

function Run:await()
  if not self.task then return failed(self.code) end
  local limiter = self.limiter
  if limiter.waiting >= M.most then return nil, M.too_many() end
  limiter.waiting = limiter.waiting + 1
  self.waiters = self.waiters + 1
  return end_await(self, pcall(self.task.await, self.task))
end

local dropped = setmetatable({ task = false, code = "ABORTED", limiter = false, waiters = 0 }, run_meta)

local function new_run(limiter)
  return setmetatable({ task = false, code = false, limiter = limiter, waiters = 0, gate = false, due = false,
    moved = false, outcome = false, foreign = false, heard = false }, run_meta)
end

-- --- the limiter ----------------------------------------------------------------------------

local Limited = checks.strict("a limited function", {}, "method")

-- The arguments of the last call: two at most as `a` and `b`, more as a list in `a`.
local function take_arguments(limiter)
  local kept = limiter.kept
  local a, b = kept.a, kept.b
  kept.a, kept.b = nil, nil
  return kept.n, a, b
end

local function call_function(limiter)
  local fn, n, a, b = limiter.fn, take_arguments(limiter)
  if n == 0 then return fn() end
  if n == 1 then return fn(a) end
  if n == 2 then return fn(a, b) end
  return fn(unpack(a, 1, n))
end

local function remaining(limiter)
  local time = now()
  local left = limiter.wait - (time - limiter.last_call)
  if not limiter.max_wait then return left end
  return math.min(left, limiter.max_wait - (time - limiter.last_run))
end

local function wait_until_due(limiter, run)
  if limiter.idle then
    if not run.due and not run.moved then run.gate:wait(limiter.idle, true) end
    return
  end
  while not run.due and not run.moved do
    local left = remaining(limiter)
    if left <= slack then return end
    run.gate:wait(left)
  end
end

-- A newer generation of the script has the call: waits for what it says came of it.
local function wait_for_outcome(run)
  run.gate = new_gate()
  while not run.outcome do run.gate:wait() end
  local outcome = run.outcome
  if outcome.ok then return unpack(outcome.values, 1, outcome.n) end
  run.code = outcome.code or false
  if outcome.code then error(errors.new { code = "CANCELLED", message = texts[outcome.code] }, 0) end
  error(outcome.coded and errors.new(outcome.coded) or outcome.text, 0)
end

local function describe_error(err)
  if type(err) ~= "table" or type(err.code) ~= "string" then return { text = tostring(err) } end
  return { coded = { code = err.code, message = tostring(err.message) }, text = tostring(err) }
end

local function settle(limiter, outcome)
  if not limiter.box:settle(outcome) then limiter.box:settle { code = "RELOADED" } end
end

-- The run of a call that an older generation took: who waits there hears what comes of it.
local function end_foreign(limiter, run, ok, ...)
  if ok then
    settle(limiter, { ok = true, n = select("#", ...), values = { ... } })
    return ...
  end
  settle(limiter, describe_error((...)))
  if not run.heard or run.waiters > 0 then error((...), 0) end
end

local function run_when_due(_, limiter, run)
  wait_until_due(limiter, run)
  if run.moved then return wait_for_outcome(run) end
  if limiter.run == run then limiter.run = false end
  limiter.last_run = now()
  if run.foreign then return end_foreign(limiter, run, pcall(call_function, limiter)) end
  return call_function(limiter)
end

local function begin_pending(limiter)
  local run = new_run(limiter)
  run.gate = new_gate()
  run.task = spawn(run_when_due, limiter.fn, limiter, run)
  limiter.run = run
  return run
end

-- Its arguments go along: by the time the task begins the next call may have left its own.
local function begin_leading(limiter)
  local run, fn, n, a, b = new_run(limiter), limiter.fn, take_arguments(limiter)
  if n == 0 then run.task = spawn(fn)
  elseif n == 1 then run.task = spawn(fn, a)
  elseif n == 2 then run.task = spawn(fn, a, b)
  else run.task = spawn(fn, unpack(a, 1, n)) end
  return run
end

-- The call comes when nothing is pending. Its arguments are kept already.
local function begin(limiter, time, since_call)
  local max = limiter.max_wait
  if since_call + slack >= limiter.wait or (max and time - limiter.last_run + slack >= max) then
    limiter.last_run = time
    if limiter.leading then return begin_leading(limiter) end
  end
  if limiter.trailing then return begin_pending(limiter) end
  take_arguments(limiter)
  return dropped
end

local function call(limiter, ...)
  local time = now()
  local since_call = time - limiter.last_call
  limiter.last_call = time
  local n, kept = select("#", ...), limiter.kept
  kept.n = n
  if n <= 2 then kept.a, kept.b = ...
  else kept.a, kept.b = pack(...), nil end
  return limiter.run or begin(limiter, time, since_call)
end

function Limited:call(...) return call(self, ...):await() end

function Limited:flush()
  local run = self.run
  if not run then return nil end
  run.due = true
  run.gate:open()
  return run
end

local function end_run(limiter, run, code)
  limiter.run = false
  take_arguments(limiter)
  run.code = code
  run.task:cancel()
end

function Limited:cancel()
  local run = self.run
  self.last_call, self.last_run = never, never
  if not run then return end
  end_run(self, run, "CANCELLED")
  if run.foreign then settle(self, { code = "CANCELLED" }) end
end

function Limited:pending() return self.run ~= false end

-- --- over a reload --------------------------------------------------------------------------

local function snapshot(limiter, whole)
  local run = limiter.run
  local data = { last_call = limiter.last_call, last_run = limiter.last_run }
  if run and whole then
    data.pending = true
    data.heard = run.waiters > 0 or run.heard
    data.kept = limiter.kept
  end
  return data
end

-- The next generation has the limiter, and with `adopted` the call that is pending. Else it runs
-- now, here: its arguments are not plain data, or the name is that of another kind of limiter.
local function move(limiter, adopted)
  local run = limiter.run
  if not run then return end
  if not adopted then return limiter:flush() end
  if run.waiters == 0 then return end_run(limiter, run, "RELOADED") end
  limiter.run, limiter.relayed = false, run
  run.moved = true
  run.gate:open()
end

local function adopt(limiter, data)
  limiter.last_call, limiter.last_run = data.last_call, data.last_run
  if not data.pending then return end
  limiter.kept = data.kept
  local run = begin_pending(limiter)
  run.foreign, run.heard = true, data.heard
end

local function take_outcome(limiter, outcome)
  local run = limiter.relayed
  if not run then return end
  limiter.relayed = false
  run.outcome = outcome
  run.gate:open()
end

local limiter_meta = { __index = Limited, __call = call, __name = "limited function" }

function M.new(limiter)
  limiter.last_call, limiter.last_run = never, never
  limiter.run, limiter.relayed, limiter.waiting, limiter.kept = false, false, 0, { n = 0 }
  for _, name in ipairs { "max_wait", "idle", "name", "box" } do
    limiter[name] = limiter[name] or false -- nil would be looked for among the methods
  end
  setmetatable(limiter, limiter_meta)
  if limiter.name then
    limiter.box = core.declare(limiter.name, limiter.what,
      function(whole) return snapshot(limiter, whole) end,
      function(adopted) move(limiter, adopted) end,
      function(data) adopt(limiter, data) end,
      function(outcome) take_outcome(limiter, outcome) end)
  end
  return limiter
end

return M
