#!/usr/bin/env bash
# Reloads that are asked for: script.reload(), and SIGHUP, also when nothing has changed.
. "$(dirname "$0")/run.bash" || exit 1

cat >bot.lua <<'LUA'
local script, timer = require "tidelock.script", require "tidelock.timer"
print("top", pcall(script.reload))
timer.every("hold", 60, print)
script.on_start(function(reason)
  print("start", reason, script.generation)
  if script.generation > 2 then return end
  script.reload()
  script.reload()
  print "the turn goes on"
end)
LUA
cat >other.lua <<'LUA'
local script, timer = require "tidelock.script", require "tidelock.timer"
timer.every("hold", 60, print)
script.on_start(function() print("other", script.generation) end)
LUA

# --- script.reload --------------------------------------------------------------------------
start run --no-watch bot.lua other.lua
expect "the top level cannot ask" '^top	false	.*script.reload is not possible while the script loads'
expect "a script starts" '^start	start	1$'
expect "asking returns at once" '^the turn goes on$'
expect "then the script is loaded again, unchanged as it is" '^start	reload	2$'
expect "and again" '^start	reload	3$'

# --- SIGHUP ---------------------------------------------------------------------------------
kill -HUP "$pid"
expect "SIGHUP reloads" '^start	reload	4$'
expect "all scripts" '^other	2$'
sed -i 's/"start"/"changed"/' bot.lua
kill -HUP "$pid"
expect "what is on disk then" '^changed	reload	5$'
echo 'x = = 1' >>bot.lua
kill -HUP "$pid"
expect "a broken script is told" 'ERROR bot: bot.lua:[0-9]+: .*unexpected symbol'
rm bot.lua
kill -HUP "$pid"
expect "one that is gone too" 'ERROR bot: no script at bot.lua'
kill -HUP "$pid"
expect "each time" 'ERROR bot: no script at bot.lua'
stop
is "twice asked in one turn is one reload" "$(grep -c 'bot: reloaded' out)" 4
is "it runs until it is stopped" "$status" 143

# --- a terminal that is closed --------------------------------------------------------------
"$PYTHON" - "$TIDELOCK" other.lua >out 2>&1 <<'PY'
import os, pty, signal, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "run", sys.argv[2]])
text = b""
while b"other\t1" not in text:
    text += os.read(terminal, 4096)
os.kill(pid, signal.SIGHUP)
while b"reloaded" not in text or b"other\t2" not in text:
    text += os.read(terminal, 4096)
print("reloaded")
os.close(terminal)
signal.alarm(20)
print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
is "SIGHUP reloads in a terminal; closing the terminal ends the program" "$(echo $(cat out))" "reloaded ended 130"

printf '%s\n' 'trap "" HUP' 'exec "$@"' >ignore
: >out
mark=1
sh ignore "$TIDELOCK" run other.lua >>out 2>&1 </dev/null &
pid=$!
expect "under nohup it starts" '^other	1$'
kill -HUP "$pid"
echo '-- saved' >>other.lua
expect "and only a save reloads" '^other	2$'
stop
is "SIGHUP stays ignored" "$(grep -c reloaded out)" 1

# --- a script that never stops asking -------------------------------------------------------
cat >again.lua <<'LUA'
local script, timer = require "tidelock.script", require "tidelock.timer"
timer.every("ask", 0.005, script.reload)
script.on_start(function() script.reload() end)
LUA
start run --memory --no-watch other.lua again.lua
loaded() { grep -c 'again: reloaded' out; }
# The log leaves out some of so many lines.
expect "it is loaded many times in a row" 'again: reloaded \(generation 12[0-9][0-9]'
sleep 0.5
# On a slow machine it may be asked for longer until it is paced.
for _ in 1 2 3 4 5 6; do
  before=$(loaded)
  sleep 2.5
  loads=$(($(loaded) - before))
  [ "$loads" -gt 14 ] || break
done
stop
[ "$loads" -ge 2 ] && [ "$loads" -le 14 ] && ok "then a few times a second" ||
  not_ok "then a few times a second" "$loads loads in 2.5 s"
finish
