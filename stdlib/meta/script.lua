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

---Runs when the process ends, in a task that may run and wait until a second before the end: for 2
---seconds, or what `--stop-timeout` leaves. Set once.
---@param fn fun(reason: "stop")
function script.on_stop(fn) end

---What happened to a script of this process that was saved.
---@class tidelock.Notice
---@field event "reloaded"|"failed" failed: the previous version goes on
---@field script string its name
---@field text string one line: what was done, or what is wrong
---@field generation integer the version that runs now; 0: none, it could not be loaded
---@field pause? number of a reload: for how many seconds nothing else could run

---Runs after each reload of any script in this process, this one's own included, and after each
---that failed. Set once.
---@param fn fun(notice: tidelock.Notice)
function script.on_notice(fn) end

---How long this version's tasks, and what the next one does not declare, may live on once it is
---replaced: 5 seconds when never called. Then what they wait for raises RELOADED.
---@param seconds number 0 to 3600
function script.grace(seconds) end

---What becomes of script.keep. For the top level, behind script.version. With `persist` it outlives
---the process: what is stored is read at once if no version of the script runs yet, and written
---100 ms after a turn in which it changed, 1 MiB at most. Raises when the profile is in use by
---another process.
---@param options { persist?: boolean }
function script.keep_options(options) end

---The version of script.keep, 1 when never called. For the top level. When it rose since the version
---that runs, or what is stored, `migrate` makes of this version's copy of keep what is needed, once,
---before the swap. If it raises, is not given, or the version fell, the load fails and nothing has
---changed.
---@param version integer 0 or more
---@param migrate? fun(keep: table, from: integer) may not wait
function script.version(version, migrate) end

---Whether this version is replaced by the one before it when it fails soon: when its on_start raises,
---or 3 errors in its first 10 seconds are caught by nobody. It is, when never called. For the top
---level.
---@param on boolean
function script.probation(on) end

---Ends the process cleanly, when the script is the first one named (in `demo`: the client); any other ends
---itself alone: its on_stop runs, what it declared is closed. Returns first. Of several calls the first one counts, but a status
---other than 0 replaces 0. Raises while the script loads.
---@param code? integer exit status, 0 to 255; 0 when not given
function script.exit(code) end

---Loads this script anew once the turn that runs now is over, also when its sources are what they
---were. Returns at once. Raises while the script loads, and in a version that has been replaced.
function script.reload() end

---For how long this script's code may run without waiting before it is stopped: when never
---called, 1 second or what `--turn-limit` says, which is the most it may ask for. Takes effect
---at once.
---@param seconds number 0.05 or more
function script.cpu_limit(seconds) end

---What earlier versions declared and this one does not: it closes within 5 seconds, unless it is
---declared again.
---@return { kind: string, name: string }[]
function script.orphans() end

return script
