#!/usr/bin/env bash
# What people see: files as editors write them (byte order marks, #! lines), modules beside a script
# of one file, errors that are tables, log fields that cannot be shown, zeros in texts.
. "$(dirname "$0")/run.bash" || exit 1
hold='require("tidelock.timer").every("hold", 60, function() end)'

# --- files
printf '\xef\xbb\xbf#!/usr/bin/env tidelock\nprint("main", require "beside", require "other-one")\nprint("deep", pcall(require, "sub.deep"))\n%s\n' "$hold" >one.lua
printf '\xef\xbb\xbfreturn "beside"\n' >beside.lua
printf '#!/bin/lua\nlocal function f() error "line 3" end -- no, 2\nreturn select(2, pcall(f))' >other-one.lua
mkdir sub && echo 'return 1' >sub/deep.lua
echo 'this is no Lua (' >broken.lua
printf '\xef\xbb\xbfGREETING=hello\n' >env
start run --memory one.lua
expect "marks and #! lines are skipped, files beside are found, lines keep their numbers" '^main	beside	other-one.lua:2: line 3$'
expect "those in folders are not" "^deep	false	.*module 'sub.deep' not found"
echo 'return "saved"' | save_in_place beside.lua
expect "a save of one beside it reloads" '^main	saved	'
echo 'return 2' | save_in_place unused.lua
echo 'return "again"' | save beside.lua
expect "so does one by renaming" '^main	again	'
is "and a file that it does not use is none of its business" "$(grep -c reloaded out)" 2
stop
echo 'print(require("tidelock.env").get "GREETING", require("tidelock.env").get "GREETING\0X")' >env.lua
run_to run --memory --no-watch --env env env.lua
expect "an env file may have a mark, a name no zero" '^hello	nil$'

# A script's own name is not "not found": it is there, and cannot be required.
echo 'print("cb", pcall(require, "ca")) require("tidelock.timer").after(0.05, function() print("later", pcall(require, "cb")) end)' >cb.lua
echo 'print("ca", pcall(require, "cb")) return "neighbour"' >ca.lua
run_to run --memory --no-watch cb.lua
expect "a script's own name, from a file beside it" "^ca	false	.*module 'cb' is the script itself, which cannot be required"
expect "which is found" '^cb	true	neighbour$'
expect "its own name, later" "^later	false	.*module 'cb' is the script itself, which cannot be required"
mkdir own && echo 'print("own", select(2, pcall(require, "main")))' >own/main.lua
run_to run --memory --no-watch own
expect "main of a folder" "^own	.*module 'main' is the script itself"
echo 'require("tidelock.timer").after(9, function() require "late_one" end)' >late_one.lua
run_to check late_one.lua
expect "check tells it too" 'requires "late_one" later, and that is the script itself, which cannot be required$'

# --- errors and the log
cat >show.lua <<'LUA'
local log, task, timer = require "tidelock.log", require "tidelock.task", require "tidelock.timer"
local script, store = require "tidelock.script", require "tidelock.store"
local cycle, deep = {}, {}
cycle.c = cycle
local at = deep
for _ = 1, 1000 do at.x = {} at = at.x end
log.info("zero\0behind", { text = "x\0y" })
for name, value in pairs {
  a_function = print, a_cycle = cycle, too_deep = deep, nan = 0 / 0, a_thread = coroutine.create(print),
  raises = setmetatable({}, { __pairs = error, __index = error }), not_utf8 = "\xff\xfe", a_file = io.stdout,
} do
  log.info("field " .. name, { [name] = value, good = "is shown" })
end
log.info("keys", { [1] = 1, [true] = 2, [{}] = 3, good = "is shown" })
local all = { pcall(log.info), pcall(log.info, nil, nil), pcall(log.info, "x", 5), pcall(log.info, {}, print),
  pcall(log.warn, setmetatable({}, { __tostring = function() error "no" end })),
  pcall(log.error, setmetatable({}, { __tostring = function() return 5 end }), {}) }
print("RAISED", table.concat({ tostring(all[1]), tostring(all[2]), tostring(all[3]), tostring(all[4]), tostring(all[5]) }, " "))
print "print\0s zeros"
local s = store.define("s", { initial = { n = 0 } })
s:subscribe("n", function() error { code = "SUB", message = "in a subscriber" } end)
script.on_start(function()
  task.spawn(function() error { code = "MINE", message = "my message" } end)
  task.spawn(function() error { message = "only a message" } end)
  task.spawn(function() error { code = "ONLY_CODE" } end)
  task.spawn(function() error(setmetatable({ message = "not this" }, { __tostring = function() return "by tostring" end })) end)
  task.spawn(function() error("behind\0 a zero") end)
  timer.after(0.01, function() error { code = "TIMER", message = "in a timer" } end)
  s:set { n = 1 }
end)
LUA
run_to run --memory --no-watch show.lua
tr '\0' '@' <out >text && mv text out
expect "a zero in a message cuts nothing" 'INFO  show: zero\\x00behind \{"text":"x\\u0000y"\}'
for name in a_function a_cycle too_deep nan a_thread not_utf8 a_file raises; do
  mark=1
  expect "a field that cannot be shown costs it alone: $name" "INFO  show: field $name \{.*\"good\":\"is shown\""
done
mark=1
expect "so do keys" 'INFO  show: keys \{.*"good":"is shown"'
expect "logging never raises" '^RAISED	true true true true true$'
expect "print writes zeros" '^print@s zeros$'
for text in 'MINE: my message' 'only a message' 'ONLY_CODE' 'by tostring' '[^ ]*behind\\x00 a zero' 'TIMER: in a timer' 'SUB: in a subscriber'; do
  mark=1
  expect "an error shows its text: $text" "ERROR show: error in .*: $text\$"
done
echo 'error { code = "LOAD", message = "at the top" }' >top.lua
run_to run --memory --no-watch top.lua
expect "at the top level too" 'ERROR top: LOAD: at the top'
run_to run --memory --no-watch --log-format json show.lua
is "and records of JSON are JSON" "$(grep -a '^{' out | "$PYTHON" -c '
import json, sys
all = [json.loads(line) for line in sys.stdin]
print(any(r["message"] == "zero\0behind" and r["fields"]["text"] == "x\0y" for r in all))')" True
finish
