---@meta tidelock.rate

---Functions that run less often than they are called, and limits on how much happens at once.
---A call of such a function never waits: it returns a run, on which a task can wait. The function
---itself runs in a task of its own and may wait. `debounce` and `throttle` run when lodash's do. See
---docs/rate.md.
---
---```lua
---local rate = require "tidelock.rate"
---local script = require "tidelock.script"
---
---local save = rate.debounce(function(text) print("saved " .. text) return #text end, 0.01)
---script.on_start(function()
---  save "a"
---  save "ab"
---  print(save:call "abc")
---end)
---```
---```text
---saved abc
---3
---```
---@class tidelock.rate
local rate = {}

---A function that runs less often than it is called. Call it with the arguments of the function;
---the latest ones are used.
---@class tidelock.Limited
---@overload fun(...): tidelock.Run
local Limited = {}

---Calls it, and waits for the run that uses the arguments of this call.
---@param ... any the arguments of the function
---@return any ... what the function returned; it raises what the function raised. `nil` and an error where no run uses the arguments: `CANCELLED` (by `cancel`), `ABORTED` (dropped: `trailing` is off), `RELOADED` (the new version's result is no plain data), `BUSY` (10,000 tasks wait already)
function Limited:call(...) end

---Lets the run that is pending begin now.
---@return tidelock.Run? run that run; nil: none was pending
function Limited:flush() end

---Drops the run that is pending: those who wait for it get `nil` and a `CANCELLED` error. The next
---call is as the first one.
function Limited:cancel() end

---Says whether a run is pending.
---@return boolean pending whether one is
function Limited:pending() end

---A run of such a function, shared by all calls whose arguments it replaces.
---@class tidelock.Run
local Run = {}

---Waits for the end of the run.
---@return any ... as `Limited:call` returns
function Run:await() end

---How a throttled function runs.
---@class tidelock.ThrottleOptions
---@field leading? boolean run at the first call, at once. Default: true
---@field trailing? boolean run for the calls that came meanwhile, once, at the end. Default: true
---@field name? string it lives on over a reload under this name

---How a debounced function runs.
---@class tidelock.DebounceOptions
---@field leading? boolean run at the first call, at once. Default: false
---@field trailing? boolean run when no call has come for the time. Default: true
---@field max_wait? number the longest that a run is put off, in seconds. Default: for ever
---@field name? string it lives on over a reload under this name

---How a function runs that is bound to frames or to idle moments.
---@class tidelock.RateOptions
---@field name? string it lives on over a reload under this name

---Runs a function when it has not been called for some time.
---@param fn fun(...): any runs in a task of its own; may wait
---@param seconds number the time, 0 or more
---@param options? tidelock.DebounceOptions when it runs
---@return tidelock.Limited limited the debounced function
function rate.debounce(fn, seconds, options) end

---Runs a function at most once in some time.
---@param fn fun(...): any runs in a task of its own; may wait
---@param seconds number the time, 0 or more
---@param options? tidelock.ThrottleOptions when it runs
---@return tidelock.Limited limited the throttled function
function rate.throttle(fn, seconds, options) end

---Runs a function at most once in 16 ms: for what is drawn.
---@param fn fun(...): any runs in a task of its own; may wait
---@param options? tidelock.RateOptions its name
---@return tidelock.Limited limited the function that is called instead
function rate.frame(fn, options) end

---Runs a function when nothing else is to be done, after 1 s at the latest.
---@param fn fun(...): any runs in a task of its own; may wait
---@param options? tidelock.RateOptions its name
---@return tidelock.Limited limited the function that is called instead
function rate.idle(fn, options) end

---How a bucket fills.
---@class tidelock.BucketOptions
---@field rate number tokens a second
---@field burst? number what it holds. Default: one second's tokens, 1 at least
---@field name? string its tokens live on over a reload under this name

---A token bucket: it is full at first, and fills at its rate.
---@class tidelock.Bucket
local Bucket = {}

---Takes tokens if they are there.
---@param count? number how many, at most the burst. Default: 1
---@return boolean taken whether they were there
---@return number? seconds when they are there: if they were not taken
function Bucket:take(count) end

---Waits until the tokens are there, and takes them. Those who wait are served in their order.
---@param count? number how many, at most the burst. Default: 1
---@param seconds? number the longest wait. Default: for ever
---@return true? taken they are taken
---@return tidelock.Error? err `TIMEOUT`, at once, where it would take longer, with `retry_after`; `BUSY`: 10,000 tasks wait already
function Bucket:wait(count, seconds) end

---Says how many tokens are there.
---@return number tokens how many
function Bucket:tokens_left() end

---Makes a token bucket.
---@param options tidelock.BucketOptions how it fills
---@return tidelock.Bucket bucket full
function rate.bucket(options) end

---Lets a number of tasks in at once.
---@class tidelock.Semaphore
local Semaphore = {}

---Waits until it lets the task in. Those who wait are served in their order. Every `acquire` needs a
---`release`; `with` does both.
---@param seconds? number the longest wait. Default: for ever
---@return true? acquired it is let in
---@return tidelock.Error? err `TIMEOUT`; `BUSY`: 10,000 tasks wait already
function Semaphore:acquire(seconds) end

---Lets the next one in. Raises where nothing is acquired.
function Semaphore:release() end

---Acquires, runs the function, and releases, also where it raises or is cancelled.
---@param fn fun(...): any may wait
---@param ... any its arguments
---@return any ... what it returned
function Semaphore:with(fn, ...) end

---Says how many more it lets in at once.
---@return integer count how many
function Semaphore:available() end

---Says how many tasks wait.
---@return integer count how many
function Semaphore:waiting() end

---Makes a semaphore. With a name it lives on over a reload: tasks of the old version count until they give
---back or end; those that wait there get RELOADED.
---@param count integer how many tasks it lets in at once
---@param options? { name: string? } the name: letters, digits, `_`, `.` and `-`
---@return tidelock.Semaphore semaphore nobody is in
function rate.semaphore(count, options) end

return rate
