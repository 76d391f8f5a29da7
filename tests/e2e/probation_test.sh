#!/usr/bin/env bash
# A new version that fails at once, or soon, is replaced by the one before; the connection stays.
. "$(dirname "$0")/run.bash" || exit 1
cat >peer.lua <<'LUA'
local server, script = require "tidelock.server", require "tidelock.script"
local s = server.listen("peer", { port = 0 })
s:io():on("connection", function(sock)
  sock:on("add", function(n, ack) ack(n + 1) end)
end)
script.on_start(function() print("PORT", s.port) end)
script.on_notice(function(n) print("NOTICE", n.event, n.script, n.text) end)
LUA
start run peer.lua --no-watch
seen '^PORT'
port=${line#PORT	}
stop
sed -i "s/port = 0/port = $port/" peer.lua
# write NAME HANDLER [TOP]: a version of the bot
write() {
  cat <<LUA | save bot.lua
local script, timer, socket, task = require "tidelock.script", require "tidelock.timer", require "tidelock.socket", require "tidelock.task"
local store = require "tidelock.store"
${options:-}
${3:-}
local chat = socket.connect("chat", { url = "http://127.0.0.1:$port", reconnect = { delay = 0.01 } })
local state = store.define("state", { initial = { n = 0 } })
script.on_start(function(reason)
  while chat.state ~= "connected" do task.sleep(0.005) end
  print("UP", "$1", script.generation, chat.id)
  $2
end)
timer.every("beat", 0.02, function()
  script.keep.beats = (script.keep.beats or 0) + 1
  print("BEAT", "$1", (chat:call("add", 1)), chat.id)
  ${beat:-}
end)
LUA
}
up() { # NAME GENERATION: waits for on_start, the connection must be the same
  expect "$3" "^UP	$1	$2	$id$"
}
write good ''
start run peer.lua bot.lua
seen '^UP	good	1	'
id=${line##*	}
expect "it runs" "^BEAT	good	2	$id$"

# --- on_start
write bad 'state:set{n = 7} error "boom"'
up bad 2 "a version takes over"
expect "its on_start fails" 'ERROR bot: error in on_start: bot.lua:[0-9]+: boom'
expect "that is told, with the file and why, and what comes" \
  'ERROR bot: failed \(generation 2; bot.lua\): on_start: bot.lua:[0-9]+: boom: the generation before it is loaded again; the next save is tried anew'
expect "to scripts too" '^NOTICE	failed	bot	failed \(generation 2; bot.lua\): on_start: '
expect "the one before is loaded again" 'INFO  bot: reloaded \(generation 3; bot.lua\): 3 kept'
up good 3 "on the same connection"
expect "and works" "^BEAT	good	2	$id$"
cp bot.lua same && mv same bot.lua
beaten() { for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do seen "^BEAT	$1	" || return 1; done; } # longer than saves are gathered for
beaten good
is "the same text, saved again, is not tried again" "$(grep -c '^UP	bad' out)" 1
write better ''
up better 4 "the next save is tried anew"

# --- 3 failures
beat='if script.keep.beats then error "late" end' write late ''
up late 5 "a version whose handlers fail takes over"
expect "the third time it is too much" \
  'ERROR bot: failed \(generation 5; bot.lua\): 3 times in its first 10 s, at last: bot.lua:[0-9]+: late: the generation before'
up better 6 "and the one before is back"
is "after three" "$(grep -c 'error in the timer of beat: .*: late\|error in .*beat.*: late' out)" 3
failing() { # NAME WHAT TOP ON_START
  write "$1" "${4:-}" "$3"
  seen "^UP	$1	"
  expect "$1: $2 count" "failed \(generation [0-9]+; bot.lua\): 3 times in its first 10 s"
  seen "^UP	better	"
  is "$1: back again" "${line##*	}" "$id"
}
failing subscriber "errors of subscribers" '' \
  'local n = 0 state:subscribe("n", function() error "sub" end)
  timer.every(0.01, function() n = n + 1 state:set { n = n } end)'
failing selector "those of selectors" '' \
  'local n = 0 state:subscribe(function(s) if n > 0 then error "sel" end end, print)
  timer.every(0.01, function() n = n + 1 state:set { n = n } end)'
failing tasks "those of tasks" '' 'for i = 1, 3 do task.spawn(function() task.sleep(0.01) error "task" end) end'
failing cpu "the CPU limit" 'script.cpu_limit(0.05)' 'for i = 1, 3 do task.spawn(function() while true do end end) end'
failing memory "a lack of memory" '' 'for i = 1, 3 do task.spawn(function() local s = "x" while true do s = s .. s end end) end'

# --- what does not count
write caught 'for i = 1, 5 do pcall(error, "x") task.spawn(error, "y"):cancel() end
  local t = task.spawn(error, "mine") print("AWAITED", pcall(t.await, t))
  error = nil; for i = 1, 2 do task.spawn(function() nowhere() end) end'
seen '^UP	caught	'
expect "two failures, and what is caught" '^AWAITED	false'
beat= 
seen '^BEAT	caught	2' && seen '^BEAT	caught	2'
never "are not too many" 'failed \(generation'

# --- a save that cannot be loaded, before the third failure
write better ''
seen '^UP	better	'
write waits 'timer.every(0.01, function() if script.keep.go then script.keep.go = nil
  for i = 1, 3 do task.spawn(error, "gone") end end end)
  script.on_notice(function(n) if n.event == "failed" then script.keep.go = true end end)'
seen '^UP	waits	'
echo 'error "broken"' | save bot.lua
expect "a version fails after a save that was no better" 'failed \(generation [0-9]+; bot.lua\): 3 times'
seen '^UP	better	'
cp bot.lua same && mv same bot.lua
beaten better
is "that save is not tried again either" "$(grep -c 'ERROR bot: bot.lua:1: broken$' out)" 1

# --- two bad ones in a row
beat='error "first"' write first 'task.sleep(60)'
seen 'error in .*: first'
write second 'error "second"'
seen '^UP	second	'
expect "a second bad one, saved before the first had gone" 'failed \(generation [0-9]+; bot.lua\): on_start: bot.lua:[0-9]+: second: the generation'
seen '^UP	'
is "goes back to the last that had not failed" "$(cut -f2 <<<"$line")" better

# --- off, and after a migration
options='script.probation(false)' write off 'error "off"'
expect "turned off" 'error in on_start: .*: off'
seen '^BEAT	off	2' && seen '^BEAT	off	2'
never "it stays" 'failed \(generation'
options= write good ''
seen '^UP	good	'
options='script.version(2, function(keep) keep.v = 2 end)' write migrated 'error "after"'
expect "after a migration it is told" \
  'ERROR bot: failed \(generation [0-9]+; bot.lua\): on_start: bot.lua:[0-9]+: after: it stays all the same, because it has migrated what is kept'
expect "and stays" "^BEAT	migrated	2	$id$"
options='script.version(2)' write good ''
seen '^UP	good	'

# --- the one before cannot be loaded either
options='script.version(2) if script.keep.poison then error "poisoned" end' write victim ''
seen '^UP	victim	'
options='script.version(2)' write poison 'script.keep.poison = true error "poison"'
expect "when the one before cannot be loaded" 'failed \(generation [0-9]+; bot.lua\): on_start: .*: poison: the generation before'
expect "that is told" 'ERROR bot: bot.lua:[0-9]+: poisoned'
expect "and that the failing one stays" 'failed \(generation ([0-9]+); bot.lua\): the generation before cannot be loaded any more: generation [0-9]+ stays'
expect "in deed" "^BEAT	poison	2	$id$"
options='script.version(2) script.keep.poison = nil' write well ''
seen '^UP	well	'
is "until the next save" "${line##*	}" "$id"

# --- asked for
options='script.version(2)' write asks 'task.sleep(0.05) if not script.keep.asked then script.keep.asked = true script.reload() else error "again" end'
seen '^UP	asks	' && seen '^UP	asks	'
expect "the same text, loaded again on probation, goes back to what was before it" 'failed \(generation [0-9]+; bot.lua\): on_start: .*again'
seen '^UP	'
is "that is" "$(cut -f2 <<<"$line")" well
is "the connection was one all the time" "$(grep -c "^UP	.*	$id$" out)" "$(grep -c '^UP	' out)"
stop

# --- the first load
cat >bot.lua <<'LUA'
require("tidelock.script").on_start(function() error "at once" end)
LUA
run_to run bot.lua --no-watch
is "a first version that fails is the end, with status 1" "$status" 1
never "there is nothing to go back to" 'failed \(generation'

# --- the status
cat >bot.lua <<'LUA'
local script = require "tidelock.script"
script.on_start(function() print "BEGINS" require("tidelock.task").sleep(script.generation == 1 and 60 or 0) end)
LUA
start run bot.lua
seen '^BEGINS'
printf 'require("tidelock.script").on_start(function() error "no" end)\n' | save bot.lua
seen reloaded && seen reloaded
ended
is "a script that went back and came to its end is no failure" "$status" 0

# --- what stands still counts nothing
stand_still() { # SECONDS
  kill -STOP "$pid"
  sleep "$1"
  kill -CONT "$pid"
}
cat >bot.lua <<'LUA'
require("tidelock.timer").every("hold", 60, print)
require("tidelock.script").on_start(function() print "GOOD" end)
LUA
start run bot.lua
seen '^GOOD'
cat <<'LUA' | save bot.lua
local script, timer = require "tidelock.script", require "tidelock.timer"
timer.every("beat", 0.02, function() if script.keep.awake then error "it fails" end end)
timer.every("look", 0.05, function()
  local now = timer.now()
  if now - (script.keep.looked or now) > 5 then script.keep.awake = true end
  script.keep.looked = now
end)
script.on_start(function()
  script.keep.looked = timer.now()
  print "BAD"
end)
LUA
seen '^BAD'
stand_still 11
expect "a standstill uses nothing of the probation up" 'the generation before it is loaded again'
expect "and the version before is there again" '^GOOD'
stop
cat >bot.lua <<'LUA'
local script, task = require "tidelock.script", require "tidelock.task"
script.grace(3)
script.on_start(function()
  print "OLD BEGINS"
  for _ = 1, 18 do task.sleep(0.1) end
  print "OLD ENDS"
end)
LUA
start run bot.lua
seen '^OLD BEGINS'
cat <<'LUA' | save bot.lua
require("tidelock.timer").every("hold", 60, print)
require("tidelock.script").on_start(function() print "NEW" end)
LUA
seen '^NEW'
stand_still 5
expect "nor of the grace of tasks" '^OLD ENDS'
never "none is stopped" 'did not end within'
stop
finish
