---@meta tidelock.timer

---@class tidelock.Timer
local Timer = {}

---It fires no more. Harmless when it has fired, or was stopped.
function Timer:stop() end

---@class tidelock.timer
local timer = {}

---@return number seconds of a clock that is never set; for measuring
function timer.now() end

---Calls fn once, in a task of its own. Ends with this version of the script.
---@param seconds number 0 or more
---@param fn function
---@return tidelock.Timer
function timer.after(seconds, fn) end

---Calls fn again and again, each time in a task of its own, whether or not the last has ended. Of
---several missed ticks one comes late. Without a name it ends with this version of the script;
---with a name and the same seconds it keeps its beat over a reload.
---@param seconds number at least 0.001
---@param fn function
---@return tidelock.Timer
---@overload fun(name: string, seconds: number, fn: function): tidelock.Timer
function timer.every(seconds, fn) end

return timer
