---@meta tidelock.script

---The script itself: its name and arguments, the data that it keeps over reloads, and how it starts
---and ends. Each load of a script is a generation. A reload replaces the running generation by a new
---one, between two events. See docs/scripts.md.
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
---@field name string the name of its file or folder, or the name before `=` on the command line
---@field generation integer the number of this load; loads that failed are counted too
---@field args string[] the arguments after `--` on the command line
---@field keep table plain data that is copied to the next generation: strings, numbers, booleans and tables of them
local script = {}

---Runs a function once this generation runs, as its first task. May be set once.
---@param fn fun(reason: "start"|"reload") may wait; `start` at the first load of the process
function script.on_start(fn) end

---Runs a function when the process ends. The process has `--stop-timeout` seconds (3) to end; the
---function has this time, less 1 second that is kept for closing. May be set once.
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

---Sets the grace of this generation: for so many seconds after a reload its tasks may go on, and
---resources that the next generation does not declare stay open. After that, the functions in which
---its tasks wait raise `RELOADED`. Without a call it is 5 seconds.
---@param seconds number 0 to 3600
function script.grace(seconds) end

---The options of `script.keep_options`. Other names raise.
---@class tidelock.script.KeepOptions
---@field persist? boolean `script.keep` lives on when the process ends, in the profile of `--profile`. Default: `false`

---Sets how `script.keep` is kept. Belongs to the top level, after `script.version`. With `persist` the
---stored data is read at once at the first load, and a change is written 100 ms after the turn that
---made it. It may have at most 1 MiB. Raises if another process uses the profile.
---@param options tidelock.script.KeepOptions how to keep it
function script.keep_options(options) end

---Sets the schema version of `script.keep`: 1 without a call. Belongs to the top level. If it is
---higher than the version of the running generation, or of the stored data, `migrate` converts the
---new generation's copy of `keep`, once, before the new generation runs. If `migrate` raises or is
---missing, or if the version is lower, the load fails and nothing has changed.
---@param version integer 0 or more
---@param migrate? fun(keep: table, from: integer) changes `keep` in place; may not wait
function script.version(version, migrate) end

---Turns the probation of this generation on or off. Belongs to the top level. A generation fails its
---probation if its `on_start` raises, or if 3 errors are not caught in its first 10 seconds; then the
---generation before it is loaded again. Without a call it is on.
---@param on boolean whether it is on
function script.probation(on) end

---Ends the script. If it is the first script named on the command line (in `tidelock demo` the
---client), the process ends too. `on_stop` runs, and everything that the script has declared is
---closed, after this function has returned. If it is called several times, the first status counts,
---but any other status replaces 0. Raises while the script loads.
---@param code? integer the exit status, 0 to 255. Default: 0
function script.exit(code) end

---Loads this script again when the current turn is over, even if no source has changed; after 1,200
---loads in a row at most four times a second. If a load of the script is under way, the reload comes
---when that load has ended or failed. Several calls until then are one reload. Returns at once. Raises
---while the script loads, in a generation that has been replaced, and in a test.
function script.reload() end

---Sets how long the code of this script may run without waiting; after that it is stopped with
---`CPU_LIMIT`. Takes effect at once. Without a call it is 1 second, or the value of `--turn-limit`.
---@param seconds number 0.05 or more, at most the value of `--turn-limit`
function script.cpu_limit(seconds) end

---Something that an earlier generation declared.
---@class tidelock.script.Orphan
---@field kind string `socket`, `server`, `store`, `timer` or `input`
---@field name string its name

---Lists the resources that earlier generations declared and this one did not. They are closed when
---the grace of the generation before is over, unless `on_start` declares them.
---@return tidelock.script.Orphan[] orphans the list, which may be empty
function script.orphans() end

return script
