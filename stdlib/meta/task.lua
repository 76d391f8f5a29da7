---@meta tidelock.task.core

---Work that may wait while others go on. `tidelock.task` adds all, race and with_timeout.
---@class tidelock.Task
local Task = {}

---Waits until it has ended.
---@return any ... what it returned; what it raised is raised, the same value
function Task:await() end

---Its wait raises CANCELLED, and every further wait at once; before its start it never runs.
function Task:cancel() end

---@return "running"|"done"|"failed"
function Task:status() end

---@class tidelock.task.core
local core = {}

---Starts with a later turn, after what is queued. Raises while the script loads.
---@param fn function
---@param ... any its arguments
---@return tidelock.Task
function core.spawn(fn, ...) end

---Waits. 0 or less: until what is queued has run.
---@param seconds number below 1e9
function core.sleep(seconds) end

---@class tidelock.task.Gate
---@field open fun(self: tidelock.task.Gate)
---@field wait fun(self: tidelock.task.Gate) until it is open; for one task

---@return tidelock.task.Gate
function core.gate() end

---@class tidelock.task.Group
---@field add fun(self: tidelock.task.Group, task: tidelock.Task): integer its number: 1, 2, ...
---@field next fun(self: tidelock.task.Group): integer, boolean, any ... of the next that has ended: number, whether well, results or error; waits; for one task

---@return tidelock.task.Group
function core.group() end

return core
