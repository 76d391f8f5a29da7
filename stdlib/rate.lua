-- tidelock.rate: functions that run less often than they are called, and limits on how much happens
-- at once. See docs/rate.md.
--
--   local save = rate.debounce(print, 0.5, { max_wait = 5 })
--   save("one") save("two")              -- one run, half a second after the last call: "two"
--   local saved, err = save:call("three") -- the same, and waits for what the run returned
--
-- What is limited runs in a task of its own, so it may wait, and a call never does.
local core = require "tidelock.rate.core"
local checks = require "tidelock.options.core"
local limited = require "tidelock.rate.limited"
local errors = require "tidelock.errors"
local tasks = require "tidelock.task.core"
local timer = require "tidelock.timer"

---@type tidelock.rate see meta/rate.lua
local M = {}

local longest, frame, idle_wait = 1e9, 0.016, 1
local slack = 1e-6 -- what adding and multiplying may lose
local least = 0.001 -- of a wait: the step of timers

-- --- checks ---------------------------------------------------------------------------------

local function raise_misuse(fmt, ...) error("rate." .. fmt:format(...), 4) end

local of_seconds, of_rate, of_count = {}, { above = true }, { whole = true, least = 1, most = 1 << 53 }

local function check_seconds(what, name, value)
  local problem = checks.number_problem(value, of_seconds)
  if problem then raise_misuse("%s: %s is a number of seconds: it %s", what, name, problem) end
end

-- How long a method waits at most.
local function check_patience(what, seconds)
  local problem = seconds ~= nil and checks.number_problem(seconds, of_seconds)
  if problem then error(("%s takes a number of seconds: it %s"):format(what, problem), 3) end
end

local kinds = {
  leading = "boolean", trailing = "boolean", max_wait = "seconds", name = "string",
  rate = "of a bucket", burst = "of a bucket", -- which checks them
}

local function check_options(what, options, known)
  if options == nil then return {} end
  if type(options) ~= "table" then
    raise_misuse("%s takes a table of options, not a %s", what, type(options))
  end
  for name, value in pairs(options) do
    local kind = known[name] and kinds[name]
    if not kind then
      raise_misuse("%s has no option '%s'%s", what, checks.cut(name), checks.suggest(checks.cut(name), known))
    elseif kind == "seconds" then
      check_seconds(what, name, value)
    elseif kind ~= "of a bucket" and type(value) ~= kind then
      raise_misuse("%s: %s is a %s, not a %s", what, name, kind, type(value))
    end
  end
  return options
end

local function check_function(what, fn, none)
  local meta = type(fn) == "table" and getmetatable(fn)
  if type(fn) ~= "function" and not (type(meta) == "table" and meta.__call) then
    raise_misuse("%s takes a function, not a %s", what, type(fn))
  end
  if none ~= nil then raise_misuse("%s takes no more arguments", what) end
end

-- --- functions that run less often ----------------------------------------------------------

local of_debounce = { leading = true, trailing = true, max_wait = true, name = true }
local of_throttle = { leading = true, trailing = true, name = true }
local of_name = { name = true }

function M.debounce(fn, seconds, options, none)
  check_function("debounce", fn, none)
  check_seconds("debounce", "seconds", seconds)
  options = check_options("debounce", options, of_debounce)
  local wait = math.max(seconds, least)
  return limited.new {
    what = "debounce", fn = fn, wait = wait, leading = options.leading == true,
    trailing = options.trailing ~= false,
    max_wait = options.max_wait and math.max(options.max_wait, wait), name = options.name,
  }
end

function M.throttle(fn, seconds, options, none)
  check_function("throttle", fn, none)
  check_seconds("throttle", "seconds", seconds)
  options = check_options("throttle", options, of_throttle)
  local wait = math.max(seconds, least)
  return limited.new {
    what = "throttle", fn = fn, wait = wait, leading = options.leading ~= false,
    trailing = options.trailing ~= false, max_wait = wait, name = options.name,
  }
end

function M.frame(fn, options, none)
  check_function("frame", fn, none)
  options = check_options("frame", options, of_name)
  return limited.new {
    what = "frame", fn = fn, wait = frame, leading = true, trailing = true, max_wait = frame,
    name = options.name,
  }
end

function M.idle(fn, options, none)
  check_function("idle", fn, none)
  options = check_options("idle", options, of_name)
  return limited.new {
    what = "idle", fn = fn, wait = 0, leading = false, trailing = true, idle = idle_wait,
    name = options.name,
  }
end

-- --- the token bucket -----------------------------------------------------------------------

local Bucket = checks.strict("a bucket", {}, "method")

-- A wait reserves its tokens when it begins, so that those who wait are served in their order: the
-- number of tokens falls below zero, and each waits until the ones before it have had theirs.
local function refill(bucket)
  local now = timer.now()
  bucket.tokens = math.min(bucket.burst, bucket.tokens + (now - bucket.at) * bucket.rate)
  bucket.at = now
end

local function check_count(bucket, what, count)
  if count == nil then count = 1 end
  local problem = checks.number_problem(count, { above = true, most = bucket.burst })
  if problem then error(("bucket:%s takes at most the burst: it %s"):format(what, problem), 3) end
  return count
end

local function late(seconds)
  return errors.new {
    code = "TIMEOUT", message = ("there are no tokens within the time: in %.3g s"):format(seconds),
    retry_after = seconds,
  }
end

function Bucket:take(count)
  count = check_count(self, "take", count)
  refill(self)
  if self.tokens + slack >= count then
    self.tokens = self.tokens - count
    return true
  end
  return false, (count - self.tokens) / self.rate
end

function Bucket:wait(count, seconds)
  count = check_count(self, "wait", count)
  check_patience("bucket:wait", seconds)
  local fine, delay = self:take(count)
  if fine then return true end
  if delay > (seconds or longest) then return nil, late(delay) end
  if self.waiting >= limited.most then return nil, limited.too_many() end
  self.tokens = self.tokens - count
  self.waiting = self.waiting + 1
  local ok, err = pcall(tasks.sleep, delay)
  self.waiting = self.waiting - 1
  if ok then return true end
  self.tokens = self.tokens + count
  error(err, 0)
end

function Bucket:tokens_left()
  refill(self)
  return math.max(self.tokens, 0)
end

local function keep_bucket(bucket, name)
  core.declare(name, "bucket", function() return { tokens = bucket.tokens, at = bucket.at } end,
    function() end,
    function(data)
      bucket.tokens, bucket.at = math.min(data.tokens, bucket.burst), data.at
    end,
    function() end)
end

function M.bucket(options, none)
  if type(options) ~= "table" then
    error("rate.bucket takes a table of options, not a " .. type(options), 2)
  end
  check_options("bucket", options, { rate = true, burst = true, name = true })
  checks.none("rate.bucket", none)
  for _, name in ipairs { "rate", "burst" } do
    local value = options[name]
    local problem = (value ~= nil or name == "rate") and checks.number_problem(value, of_rate)
    if problem then error(("rate.bucket: %s is a number above 0: it %s"):format(name, problem), 2) end
  end
  local burst = options.burst or math.max(options.rate, 1)
  local bucket = setmetatable({
    rate = options.rate, burst = burst, tokens = burst, at = timer.now(), waiting = 0,
  }, { __index = Bucket, __name = "bucket" })
  if options.name then keep_bucket(bucket, options.name) end
  return bucket
end

-- --- the semaphore --------------------------------------------------------------------------

local Semaphore = checks.strict("a semaphore", {}, "method")

local function next_waiter(semaphore)
  while semaphore.first <= semaphore.last do
    local entry = semaphore.queue[semaphore.first]
    semaphore.queue[semaphore.first] = nil
    semaphore.first = semaphore.first + 1
    if not entry.gone then return entry end
  end
end

local function has_none(semaphore) return semaphore.own == 0 end

-- Those who wait get in, as long as there is room.
local function let_in(semaphore)
  while semaphore.own + semaphore.foreign < semaphore.count do
    local entry = next_waiter(semaphore)
    if not entry then return end
    semaphore.own = semaphore.own + 1
    entry.granted = true
    entry.gate:open()
  end
end

local function give_back(semaphore)
  semaphore.own = semaphore.own - 1
  if semaphore.moved then semaphore.box:release()
  else let_in(semaphore) end
end

local function replaced()
  return nil, errors.new { code = "RELOADED", message = "a newer version of the script has the semaphore" }
end

local function wait_in_line(semaphore, seconds)
  local entry = { gate = tasks.gate() }
  semaphore.last = semaphore.last + 1
  semaphore.queue[semaphore.last] = entry
  semaphore.waiters = semaphore.waiters + 1
  local ok, err = pcall(entry.gate.wait, entry.gate, seconds)
  semaphore.waiters = semaphore.waiters - 1
  entry.gone = true
  if ok and entry.granted then return true end
  if entry.granted then give_back(semaphore) end -- granted and cancelled in one turn
  if not ok then error(err, 0) end
  if semaphore.moved then return replaced() end
  return nil, errors.new { code = "TIMEOUT", message = ("not acquired within %g s"):format(seconds) }
end

function Semaphore:acquire(seconds)
  check_patience("semaphore:acquire", seconds)
  if self.moved then return replaced() end
  if self.own + self.foreign < self.count then
    self.own = self.own + 1
    return true
  end
  if self.waiters >= limited.most then return nil, limited.too_many() end
  return wait_in_line(self, seconds)
end

function Semaphore:release()
  if has_none(self) then error("semaphore:release: nothing is acquired", 2) end
  give_back(self)
end

-- An error of the function's own goes on as it is.
local function end_with(held, err)
  if not has_none(held.semaphore) then return give_back(held.semaphore) end
  if err == nil then error("semaphore:with: what it acquired is released already", 3) end
end

local guard = { __close = end_with }

function Semaphore:with(fn, ...)
  local ok, err = self:acquire()
  if not ok then return nil, err end
  local held <close> = setmetatable({ semaphore = self }, guard) -- luacheck: ignore 211
  return fn(...)
end

function Semaphore:available() return math.max(self.count - self.own - self.foreign, 0) end
function Semaphore:waiting() return self.waiters end

-- The next generation has it, and counts what tasks of this one hold. Those who wait here do so in vain.
local function hand_over(semaphore, adopted)
  if not adopted then return end
  semaphore.moved = true
  semaphore.box:owe(semaphore.own)
  for entry in next_waiter, semaphore do entry.gate:open() end
end

local function keep_semaphore(semaphore, name)
  semaphore.box = core.declare(name, "semaphore",
    function() return { held = semaphore.own + semaphore.foreign } end,
    function(adopted) hand_over(semaphore, adopted) end,
    function(data) semaphore.foreign = data.held end,
    function(count)
      semaphore.foreign = semaphore.foreign - count
      if not semaphore.moved then let_in(semaphore) end
    end)
end

function M.semaphore(count, options, none)
  options = check_options("semaphore", options, of_name)
  checks.none("rate.semaphore", none)
  local problem = checks.number_problem(count, of_count)
  if problem then error("rate.semaphore takes a whole number, 1 or more: it " .. problem, 2) end
  local semaphore = setmetatable({ count = math.tointeger(count), own = 0, foreign = 0, moved = false,
    queue = {}, first = 1, last = 0, waiters = 0 }, { __index = Semaphore, __name = "semaphore" })
  if options.name then keep_semaphore(semaphore, options.name) end
  return semaphore
end

return checks.strict("tidelock.rate", M)
