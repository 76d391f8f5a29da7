#!/usr/bin/env bash
# Saves that reload, saves that must not, and saves that are broken.
. "$(dirname "$0")/run.bash" || exit 1

# --- good saves -----------------------------------------------------------------------------
version() { # TEXT: a script that says it, and ticks
  cat <<LUA
local script, timer = require "tidelock.script", require "tidelock.timer"
script.on_start(function(reason) print("start $1", reason, script.generation) end)
timer.every("tick", 0.02, function() print("tick $1") end)
LUA
}
version one | save bot.lua
start run bot.lua
expect "starts" '^start one	start	1$'
expect "ticks" '^tick one$'
version two | save_in_place bot.lua
expect "says that it reloads" 'INFO  bot: reloaded \(generation 2; bot.lua\): 1 kept; pause [0-9.]+ ms'
expect "when saved in place" '^start two	reload	2$'
expect "the named timer goes on with the new code" '^tick two$'
version three | save bot.lua
expect "reloads when saved by renaming" '^start three	reload	3$'
expect "the new timer" '^tick three$'
never "the old code runs no more" '^tick (one|two)$'

for i in 1 2 3 4 5; do version "quick$i" >"quick$i.new"; done
# It stands still meanwhile: on a busy machine there may be any time between two of them.
kill -STOP "$pid"
for i in 1 2 3 4 5; do mv "quick$i.new" bot.lua; done
kill -CONT "$pid"
expect "several quick saves are one reload" '^start quick5	reload	4$'
touch bot.lua
version quick5 | save bot.lua
echo "noise" >other.txt
version four | save bot.lua
expect "a touch and the same text again are none" '^start four	reload	5$'
rm bot.lua
expect "a file that is gone is told" 'WARN  bot: bot.lua is gone: the generation that runs goes on'
expect "in deed" '^tick four$'
version five | save bot.lua
expect "until it is there again" '^start five	reload	6$'
stop
is "SIGTERM is status 143" "$status" 143

# --- broken saves ---------------------------------------------------------------------------
cat <<'LUA' | save bot.lua
local script, timer = require "tidelock.script", require "tidelock.timer"
script.keep.n = script.keep.n or 0
timer.every("tick", 0.02, function() script.keep.n = script.keep.n + 1 print("n " .. script.keep.n) end)
LUA
start run bot.lua
expect "ticks before the broken saves" '^n 3$'
broken() { # NAME PATTERN EXCERPT: saves standard input, which must be told so, and goes on
  save bot.lua
  expect "$1: tells where and why" "$2"
  expect "$1: shows the lines" "$3"
  expect "$1: the previous generation goes on" 'the reload is given up: the previous generation goes on'
  local before after
  seen '^n [0-9]+$' && before=${line#n }
  seen '^n [0-9]+$' && after=${line#n }
  is "$1: its timer and its data are as they were" "$after" $((before + 1))
}
broken "syntax error" "ERROR bot: bot.lua:2: .*near '='" '> +2 \| y = = 2' <<<'x = 1
y = = 2
z = 3'
broken "error at top level" 'ERROR bot: bot.lua:2: oh no' '> +2 \| error' <<<'require("tidelock.script").keep.n = -1000
error("oh no")'
broken "error without a place" 'ERROR bot: plain' '> +1 \| error' <<<'error("plain", 0)'
broken "error that is a table" 'ERROR bot: table: ' '> +1 \| error' <<<'error({})'
broken "error value" 'ERROR bot: INVALID: mine' '> +1 \| error' \
  <<<'error(require("tidelock.errors").new{code = "INVALID", message = "mine"})'
broken "__tostring that fails" 'an error that cannot be shown' '> +1 \| error' \
  <<<'error(setmetatable({}, {__tostring = error}))'
broken "endless loop" 'ERROR bot: bot.lua:1: CPU_LIMIT: the script.s top level ran for more than 1' '> +1 \| while' \
  <<<'while true do end'
broken "endless loop inside pcall" 'bot.lua:1: CPU_LIMIT: the script.s top level' '> +1 \| while' \
  <<<'while true do pcall(function() while true do end end) end'
broken "endless loop in coroutines" 'bot.lua:1: CPU_LIMIT: the script.s top level' '> +1 \| while' \
  <<<'while true do pcall(coroutine.wrap(function() while true do end end)) end'
broken "endless loop inside C" 'bot.lua:1: CPU_LIMIT: the script.s top level' '> +1 \| table.move' \
  <<<'table.move({}, 1, 1 << 40, 2)'
broken "missing module" "bot.lua:2: module 'nowhere' not found" '> +2 \| require' <<<'
require "nowhere"'
broken "C module" "bot.lua:1: module 'socket.core' not found" '> +1 \| require' <<<'require "socket.core"'
broken "out of memory" 'ERROR bot: bot.lua:2: MEMORY: not enough memory: a script may use 64 MiB while it loads' '> +2 \| while' \
  <<<'local s = "x"
while true do s = s .. s end'
broken "waiting" 'bot.lua:1: task.sleep waits, which a script cannot do while it loads' '> +1 \| require' \
  <<<'require("tidelock.task").sleep(1)'
broken "an effect" 'bot.lua:1: task.spawn is not possible while the script loads' '> +1 \| require' \
  <<<'require("tidelock.task").spawn(print)'
broken "the same timer twice" 'bot.lua:2: timer "tick" is declared twice' '> +2 \| require' \
  <<<'require("tidelock.timer").every("tick", 1, print)
require("tidelock.timer").every("tick", 2, print)'
mkdir lib
echo 'return {' >lib/half.lua
broken "error inside a module" "lib/half.lua:2: unexpected symbol near <eof>" '> +1 \| return' <<<'require "half"'
# A load that is slow is given up for a newer save.
cat <<'LUA' | save bot.lua
print "slow begins"
local stop = os.clock() + 0.8
while os.clock() < stop do end
print "slow ends"
LUA
expect "a slow load runs" '^slow begins$'
expect "and holds nobody up" '^n [0-9]+$'
cat <<'LUA' | save bot.lua
local script = require "tidelock.script"
print("kept " .. script.keep.n)
script.on_start(function() print("start last") end)
LUA
expect "a newer save starts afresh, with the data" '^kept [0-9]+$'
expect "and takes over" '^start last$'
never "the slow load was given up" '^slow ends$'
ended
is "a script with nothing left to wait for ends" "$status" 0

# --- folders --------------------------------------------------------------------------------
rm -rf lib
mkdir -p app/deep lib
cat >app/main.lua <<'LUA'
local timer = require "tidelock.timer"
local one, two, three = require "one", require "deep.two", require "three"
print("loaded " .. one .. two .. three)
timer.every("hold", 60, print)
LUA
echo 'return "a"' >app/one.lua
echo 'return "b"' >app/deep/two.lua
echo 'return "c"' >lib/three.lua
start run app/
expect "a folder script, with subfolders and lib" '^loaded abc$'
echo 'return "A"' | save app/one.lua
expect "a module's save reloads" '^loaded Abc$'
echo 'return "B"' | save app/deep/two.lua
expect "one in a subfolder too" '^loaded ABc$'
echo 'return "C"' | save lib/three.lua
expect "one in lib too" '^loaded ABC$'
mkdir app/fresh
echo 'return "D"' >app/fresh/four.lua
cat <<'LUA' | save app/main.lua
require("tidelock.timer").every("hold", 0.1, function() print "beat" end)
print("loaded " .. require "fresh.four")
LUA
# Longer than changes are gathered for: what is seen then is seen by a watch.
settled() { seen '^beat$' && seen '^beat$' && seen '^beat$' && seen '^beat$'; }
expect "a new subfolder is seen" '^loaded D$'
settled
echo 'return "E"' | save app/fresh/four.lua
expect "and watched" '^loaded E$'
mv app/fresh app/gone
mkdir app/fresh
echo 'return "F"' >app/fresh/four.lua
expect "also when it was made anew" '^loaded F$'
settled
echo 'return "G"' | save app/fresh/four.lua
expect "and watched again" '^loaded G$'
mv app old
cp -r old app
echo 'return "H"' >app/fresh/four.lua
expect "the whole folder made anew" '^loaded H$'
settled
echo 'return "I"' | save app/fresh/four.lua
expect "is watched again" '^loaded I$'
echo 'error("in a module")' | save app/fresh/four.lua
expect "an error in a module names it" 'app/fresh/four.lua:1: in a module'
expect "with the way to it" "\[C\]: in function 'require'"
expect "and shows it" '> +1 \| error\("in a module"\)'
stop

# --- retiring -------------------------------------------------------------------------------
cat <<'LUA' | save bot.lua
local script, task, timer = require "tidelock.script", require "tidelock.task", require "tidelock.timer"
timer.every("old", 60, print)
timer.every("phase", 0.5, function() print("phase") end)
timer.every(0.01, function() print("anonymous old") end)
script.on_start(function()
  task.spawn(function()
    while not script.keep.go do task.sleep(0.01) end
    print("flight ends on", script.generation)
    print(pcall(timer.every, 1, print))
    print(pcall(timer.every, "new", 1, print))
    print(pcall(script.on_stop, print))
  end)
  task.spawn(function()
    local _ <close> = setmetatable({}, { __close = function() print("closed") end })
    print "waits for ever"
    task.sleep(1000)
  end)
  local n = 0
  timer.every(0.05, function() n = n + 1 if n == 3 then script.keep.go = true end end)
end)
LUA
start run bot.lua
expect "waits" '^waits for ever$'
expect "anonymous timers run" '^anonymous old$'
seen '^phase$'
cat <<'LUA' | save bot.lua
local script, timer = require "tidelock.script", require "tidelock.timer"
timer.every("phase", 0.5, function() print("phase new") end)
script.on_start(function()
  for _, orphan in ipairs(script.orphans()) do print("orphan", orphan.kind, orphan.name) end
  print "new version"
end)
LUA
expect "on_start sees what nobody claimed" '^orphan	timer	old$'
expect "the new version runs" '^new version$'
never "anonymous timers of the old have ended" '^anonymous old$'
from=$mark # the two graces end in any order
expect "what flies is stopped after the grace" 'WARN  bot: . task.s. of the replaced generation did not end within 5 s'
mark=$from
expect "what is not claimed closes after the grace" 'timer old is closed: the script no longer declares it'
is "to-be-closed variables of stopped tasks are closed" "$(grep -c '^closed$' out)" 1
stop

cat <<'LUA' | save bot.lua
local script, task, timer = require "tidelock.script", require "tidelock.task", require "tidelock.timer"
timer.every("hold", 60, print)
local going = true
script.on_start(function()
  if script.generation == 1 then
    print "first runs"
    task.sleep(0.4)
    print("still", script.generation)
    print(pcall(timer.every, 1, print))
    print(pcall(timer.every, "new", 1, print))
    print(pcall(script.on_stop, print))
    task.sleep(0)
    print "first ends"
  end
  print "second runs"
end)
LUA
start run bot.lua
expect "a task begins" '^first runs$'
echo '-- changed' >>bot.lua
expect "a new version takes over" '^second runs$'
expect "the task goes on in its own version" '^still	1$'
expect "but cannot declare a timer" '^false	.*this generation of the script has been replaced'
expect "nor a named one" '^false	.*this generation of the script has been replaced'
expect "nor on_stop" '^false	.*this generation of the script has been replaced'
expect "and ends" '^first ends$'
stop
never "without being stopped" 'did not end within'

# --- an orphan that is claimed --------------------------------------------------------------
cat <<'LUA' | save bot.lua
local script, timer = require "tidelock.script", require "tidelock.timer"
script.keep.since = timer.now()
timer.every("beat", 2, function() print("beat old") end)
timer.after(0.7, function() print "up" end)
LUA
start run bot.lua
expect "up" '^up$'
cat <<'LUA' | save bot.lua
local script, timer = require "tidelock.script", require "tidelock.timer"
script.on_start(function()
  timer.every("beat", 2, function() print(("beat claimed after %.1f s"):format(timer.now() - script.keep.since)) end)
  print("claimed", #script.orphans(), timer.now())
end)
LUA
expect "on_start claims it" '^claimed	0'
expect "and it goes on with its phase and the new code" '^beat claimed after 2\.[0-4] s$'
stop
finish
