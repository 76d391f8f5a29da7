---@meta tidelock.script

---Says what a script is called, keeps its data over reloads, and decides how it starts and ends.
---Each load of a script is a generation. A reload replaces the generation that runs by a new one,
---between two events. See docs/scripts.md.
---
---```lua
---local script = require "tidelock.script"
---
---script.keep.starts = (script.keep.starts or 0) + 1
---script.on_start(function(reason)
---  print(script.name, reason, script.generation, script.keep.starts)
---end)
---```
---```text
---example	start	1	1
---```
---@class tidelock.script
---@field name string the name of its file or folder, or the one before `=` on the command line
---@field generation integer counts the loads of this script, failed ones included
---@field args string[] the arguments behind `--` on the command line
---@field keep table plain data, which the next generation gets: strings, numbers, booleans and tables of them
local script = {}

---Runs a function once this generation runs, as its first task. May be set once.
---@param fn fun(reason: "start"|"reload") may wait; `start` at the first load of the process
function script.on_start(fn) end

---Runs a function when the process ends. It has the time of `--stop-timeout`, 3 seconds, less
---1 second for closing. May be set once.
---@param fn fun(reason: "stop") may wait
function script.on_stop(fn) end

---A reload that a script of this process made, or that failed.
---@class tidelock.Notice
---@field event "reloaded"|"failed" `failed`: the generation before goes on
---@field script string the name of the script
---@field text string one line: what changed, or what is wrong
---@field generation integer the generation that runs now; 0: none, the first load failed
---@field pause? number after a reload: for how many seconds nothing else could run

---Runs a function after each reload of a script in this process, this script included, and after
---each reload that failed. May be set once.
---@param fn fun(notice: tidelock.Notice) may wait
function script.on_notice(fn) end

---Sets how long the tasks of this generation, and the connections and the like that the next one
---does not declare, may go on after a reload. Without a call it is 5 seconds. Then the functions
---that the tasks wait in raise `RELOADED`.
---@param seconds number 0 to 3600
function script.grace(seconds) end

---The options of `script.keep_options`. Other names raise.
---@class tidelock.script.KeepOptions
---@field persist? boolean `script.keep` lives on when the process ends, in the profile of `--profile`. Default: `false`

---Sets what becomes of `script.keep`. Belongs to the top level, behind `script.version`. With
---`persist` the stored data is read at once at the first load, and a change is written 100 ms after
---the turn that made it; it may have at most 1 MiB. Raises when another process uses the profile.
---@param options tidelock.script.KeepOptions what to do with it
function script.keep_options(options) end

---Sets the schema version of `script.keep`: 1 without a call. Belongs to the top level. When it is
---higher than that of the running generation, or of the stored data, `migrate` changes the copy of
---the new generation, once, before the new generation runs. When `migrate` raises or is missing, or
---the version is lower, the load fails and nothing has changed.
---@param version integer 0 or more
---@param migrate? fun(keep: table, from: integer) changes `keep` in place; may not wait
function script.version(version, migrate) end

---Turns the probation of this generation on or off. Belongs to the top level. While it is on, the
---generation before it is loaded again when this one fails soon: when its `on_start` raises, or when
---nobody catches 3 errors in its first 10 seconds. Without a call it is on.
---@param on boolean whether it is on
function script.probation(on) end

---Ends the script, and with it the process when the script is the first one named; the client in
---`tidelock demo`. `on_stop` runs, and everything that the script has declared is closed. The
---function returns first. The first call counts, but a status other than 0 replaces 0. Raises while
---the script loads.
---@param code? integer the exit status, 0 to 255. Default: 0
function script.exit(code) end

---Loads this script again when the current turn is over, also when no source has changed; after 1,200
---loads in a row four times a second at most. Returns at once. Raises while the script loads, in a generation that has been
---replaced, and in a test.
function script.reload() end

---Limits how long the code of this script may run without waiting; then it is stopped with
---`CPU_LIMIT`. The limit counts at once. Without a call it is 1 second, or the value of
---`--turn-limit`.
---@param seconds number 0.05 or more, at most the value of `--turn-limit`
function script.cpu_limit(seconds) end

---Something that an earlier generation declared.
---@class tidelock.script.Orphan
---@field kind string `socket`, `server`, `store`, `timer` or `input`
---@field name string its name

---Lists what earlier generations declared and this one did not. It closes after the grace of the
---generation before, unless this one declares it: `on_start` may.
---@return tidelock.script.Orphan[] orphans the list, which may be empty
function script.orphans() end

return script
