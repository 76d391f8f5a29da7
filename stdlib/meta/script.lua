---@meta tidelock.script

---What a script knows and says of itself.
---@class tidelock.script
---@field name string its file's or folder's name, or the one before `=` on the command line
---@field generation integer counts the loads, failed ones included
---@field args string[] what followed `--` on the command line
---@field keep table plain data, carried over to the next version of the script
local script = {}

---Runs once this version has taken over, as its first task. Set once.
---@param fn fun(reason: "start"|"reload")
function script.on_start(fn) end

---Runs when the process ends, in a task that has 5 seconds to wait in. Set once.
---@param fn fun(reason: "stop")
function script.on_stop(fn) end

---Ends the process cleanly; returns first. Of several calls the first one counts, but a status
---other than 0 replaces 0. Raises while the script loads.
---@param code? integer exit status, 0 to 255; 0 when not given
function script.exit(code) end

---Loads this script anew once the turn that runs now is over, also when its sources are what they
---were. Returns at once. Raises while the script loads, and in a version that has been replaced.
function script.reload() end

---For how long this script's code may run without waiting before it is stopped: 5 seconds when
---never called. Takes effect at once.
---@param seconds number 0.05 to 3600
function script.cpu_limit(seconds) end

---What earlier versions declared and this one does not: it closes within 5 seconds, unless it is
---declared again.
---@return { kind: string, name: string }[]
function script.orphans() end

return script
