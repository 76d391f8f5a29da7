---@meta tidelock.task

---Runs work that waits side by side.
---All tasks of a script share one Lua state and run one at a time; a task lets others run only
---where it waits. Handlers, timers and `script.on_start` are tasks. Waiting at the top level of a
---script raises. A task that raises is logged with its traceback, unless another one awaits it.
---
---```lua
---local script = require "tidelock.script"
---local task = require "tidelock.task"
---
---script.on_start(function()
---  local results = task.all {
---    a = function() task.sleep(0.02) return "first" end,
---    b = function() return "second" end,
---  }
---  print(results.a, results.b)
---  print(task.with_timeout(0.01, function() task.sleep(1) end))
---end)
---```
---```text
---first	second
---nil	TIMEOUT: not done within 0.01 s
---```
---@class tidelock.task
local task = {}

---A task that `task.spawn` started. It may be awaited by several tasks.
---@class tidelock.Task
local Task = {}

---Waits until the task has ended. When the task raised, `await` raises the same value.
---@return any ... the results of the function of the task
function Task:await() end

---Cancels the task: the function that it waits in raises an error with the code `CANCELLED`, and so
---does each further wait. A task that has not begun never runs. A task that has ended is unchanged.
function Task:cancel() end

---Returns the state of the task.
---@return "running"|"done"|"failed" status `running` also while it waits
function Task:status() end

---Starts a task. It begins when the current task waits or ends. Raises while the script loads.
---@param fn function what the task runs
---@param ... any the arguments of `fn`
---@return tidelock.Task task the new task
function task.spawn(fn, ...) end

---Waits. With 0 or less the task goes on after the work that is queued already.
---@param seconds number how long, 0 to 1e9; 0 lets other tasks run
function task.sleep(seconds) end

---Runs functions and tasks side by side and waits for all of them. When one raises, or returns
---`nil` and an error, the others are cancelled, and `all` raises or returns the same.
---@param members table<any, function|tidelock.Task> what runs, under any keys
---@return table<any, any>? results the first result of each member, under its key
---@return tidelock.Error? err the error that a member returned
function task.all(members) end

---Runs functions and tasks side by side until the first one ends, also when it fails. The others
---are cancelled.
---@param members table<any, function|tidelock.Task> what runs; at least one
---@return any ... the results of the first; when it raised, `race` raises the same value
function task.race(members) end

---Runs a function or waits for a task, and cancels it when it takes too long.
---@param seconds number the longest time, 0 to 1e9
---@param fn function|tidelock.Task what runs
---@return any ... the results of `fn`; or `nil` and an error with the code `TIMEOUT`
function task.with_timeout(seconds, fn) end

return task
