#!/usr/bin/env bash
# The first script named owns standard input and ends the process; the others start, fail and end
# alone: none of them can take its input, end it, stop its start, or keep it from being reloaded.
. "$(dirname "$0")/run.bash" || exit 1
client() { # VERSION
  cat <<LUA
local input, script, timer = require "tidelock.input", require "tidelock.script", require "tidelock.timer"
local shared = require "shared"
input.on_line(function(line)
  print("client $1 heard " .. line .. " with " .. shared)
  if line == "bye" then script.exit(7) end
end)
script.on_start(function(reason) print("client $1 " .. reason) end)
LUA
}
mkdir lib
echo 'return "lib1"' >lib/shared.lua
client 1 >client.lua
mkfifo in
exec 3<>in
begin() { # ARGS...
  : >out
  mark=1
  "$TIDELOCK" run --memory "$@" >>out 2>&1 <in &
  pid=$!
}
say() { echo "$1" >&3; }

# --- a hook that cannot load holds nobody back at the start ---------------------------------
echo 'x = = 1' >hook.lua
begin client.lua hook.lua
expect "a syntax error of a hook is told" 'ERROR hook: .*hook.lua:1:'
mark=1 # whichever comes first
expect "and the first script starts" '^client 1 .*start'
say one
expect "and has its input" '^client 1 heard one'
cat >hook.lua <<'LUA'
local script = require "tidelock.script"
script.on_start(function(reason) print("hook says " .. reason) end)
require("tidelock.timer").every(9, function() end)
LUA
expect "the hook is tried again when it is saved, and starts" '^hook says start'

# --- nor does one that takes standard input -------------------------------------------------
cat >hook.lua <<'LUA'
local input, script = require "tidelock.input", require "tidelock.script"
input.on_line(function(line) print("stolen " .. line) end)
LUA
expect "standard input is not a hook's to declare" 'ERROR hook: .*standard input is read by the script client'
cat >hook.lua <<'LUA'
local input, script = require "tidelock.input", require "tidelock.script"
script.on_start(function() print("taken", input.on_line(function(line) print("stolen " .. line) end)) end)
require("tidelock.timer").every(9, function() end)
LUA
expect "nor to take later" '^taken.nil.BUSY'
say two
expect "the client goes on reading" '^client 1 heard two'
never "the hook heard nothing" stolen

# --- script.exit of a hook ends the hook ----------------------------------------------------
cat >hook.lua <<'LUA'
local script, store, server = require "tidelock.script", require "tidelock.store", require "tidelock.server"
local task, timer = require "tidelock.task", require "tidelock.timer"
local web = server.listen("web", { port = 0 })
timer.every("tick", 0.01, function() end)
script.on_stop(function(reason) task.sleep(0.05) print("hook stops: " .. reason) end)
script.on_start(function(reason)
  print("hook runs: " .. reason)
  task.spawn(function() task.sleep(60) end)
  script.exit(3)
  script.exit(4)
  print "exit returns"
end)
LUA
expect "a hook ends itself, which is told" 'WARN  hook: ends itself .script.exit.3..; the others go on'
expect "it returns" '^exit returns'
expect "its on_stop runs, and may wait" '^hook stops: stop'
say three
expect "the process goes on" '^client 1 heard three'
is "once" "$(grep -c 'hook stops' out)" 1
kill -HUP $pid
expect "a SIGHUP loads the others" '^client 1 .*reload'
echo '-- again' >>hook.lua
expect "a save begins it anew" '^hook runs: start'
expect "and it ends again" '^hook stops'

# --- a hook vetoes no reload ----------------------------------------------------------------
cat >hook.lua <<'LUA'
local script = require "tidelock.script"
script.keep.n = (script.keep.n or 0) + 1
print("hook load " .. script.keep.n .. " " .. require "shared")
if script.keep.n > 1 then error "veto" end
require("tidelock.timer").every(9, function() end)
LUA
expect "a hook that loads once" '^hook load 1 lib1'
echo 'return "lib2"' | save lib/shared.lua
expect "and then never again" 'ERROR hook: .*veto'
expect "does not keep the client from a shared file" 'INFO  client: reloaded .*lib/shared.lua'
say four
expect "which it has" '^client 1 heard four with lib2'
client 2 | save client.lua
expect "nor from its own" '^client 2 .*reload'
never "nor was it held back" 'held back'
cat >hook.lua <<'LUA'
local script, timer = require "tidelock.script", require "tidelock.timer"
print("hook has " .. require "shared")
timer.every(0.001, script.reload)
LUA
expect "a hook that reloads itself for ever" '^hook has lib2'
echo 'return "lib3"' | save lib/shared.lua
expect "holds up no reload of the client" 'INFO  client: reloaded .*lib/shared.lua'
echo 'x = = 1' >hook.lua
seen 'ERROR hook: .*hook.lua:1' # it goes on in its last version, until it is mended
echo '-- silent' >hook.lua
say bye
expect "the client hears" '^client 2 heard bye with lib3'
ended
is "the first script's exit ends the process, with its status" "$status" 7

# --- who asks first --------------------------------------------------------------------------
cat >late.lua <<'LUA'
local input, script, task = require "tidelock.input", require "tidelock.script", require "tidelock.task"
script.on_start(function()
  task.sleep(0.2)
  input.on_line(function(line) print("late heard " .. line) if line == "end" then script.exit(0) end end)
  print "ready"
end)
LUA
cat >early.lua <<'LUA'
require("tidelock.input").on_line(function(line) print("early heard " .. line) end)
LUA
begin late.lua early.lua
echo zero >&3
expect "what the first does not read another may" '^early heard zero'
expect "until the first wants it, which is told" 'WARN  early: standard input goes to late'
expect "then it is the first's" '^ready'
say end
expect "alone" '^late heard end'
ended
is "and ends well" "$status" 0
{ echo 'local x for i = 1, 3e6 do x = i end'; cat client.lua; } >slow.lua
begin slow.lua early.lua
expect "one that loads slowly goes before the others too" 'ERROR early: .*standard input is read by the script slow'
mark=1
say first
expect "one that loads slowly misses nothing" 'client 2 heard first'
say bye
ended

# --- the first -------------------------------------------------------------------------------
echo 'require("tidelock.timer").every(9, print)' >good.lua
echo 'x = = 1' >bad.lua
run_to run bad.lua good.lua --memory
is "a first script that cannot load ends the process" "$status" 78
run_to run nowhere.lua good.lua --memory
is "or that is not there" "$status" 78
echo 'require("tidelock.script").on_start(function() end)' >brief.lua
run_to run brief.lua bad.lua --memory
is "the status is that of the first" "$status" 0
echo 'require("tidelock.script").on_start(function() error "late" end)' >raises.lua
run_to run brief.lua raises.lua --memory
is "also where another raises" "$status" 0
run_to run brief.lua nowhere.lua --memory
is "or is not there" "$status" 0
finish
