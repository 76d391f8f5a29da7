---@meta tidelock.timer

---Runs a function later or again and again, and measures time.
---Each run is a task of its own, which may wait.
---
---```lua
---local timer = require "tidelock.timer"
---
---local count = 0
---local ticks
---ticks = timer.every(0.01, function()
---  count = count + 1
---  if count == 3 then ticks:stop() end
---  print("tick " .. count)
---end)
---timer.after(0.05, function() print "done" end)
---```
---```text
---tick 1
---tick 2
---tick 3
---done
---```
---@class tidelock.timer
local timer = {}

---A timer that `after` or `every` started.
---@class tidelock.Timer
local Timer = {}

---Stops the timer. A task that it has started goes on. A second call does nothing.
function Timer:stop() end

---Returns the time of a clock that always runs on, whoever sets the time of day: for measuring how
---long something takes. `os.time` returns the time of day.
---@return number seconds seconds since some moment in the past
function timer.now() end

---Runs a function once. The timer ends with this generation of the script: a reload stops it.
---@param seconds number the delay in seconds, 0 or more and less than 1e9
---@param fn fun() runs in a task of its own; may wait
---@return tidelock.Timer timer stops it
function timer.after(seconds, fn) end

---Runs a function again and again, even while an earlier run has not ended. If the process was busy
---for several intervals, one run follows for all of them. A timer without a name ends with this
---generation of the script. A timer with a name, `timer.every(name, seconds, fn)`, keeps its rhythm
---over a reload. A name consists of letters, digits, `_`, `.` and `-`; a script uses it once.
---@param seconds number the interval in seconds, at least 0.001 and less than 1e9
---@param fn fun() runs in a task of its own each time; may wait
---@return tidelock.Timer timer stops it
---@overload fun(name: string, seconds: number, fn: fun()): tidelock.Timer
function timer.every(seconds, fn) end

return timer
