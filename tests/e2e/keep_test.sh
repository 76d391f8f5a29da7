#!/usr/bin/env bash
# script.keep over restarts, and script.version: what is kept, when, and what a migration that
# fails leaves alone.
. "$(dirname "$0")/run.bash" || exit 1
data=$PWD/data
# write [REST]: the script k.lua; $version stands before what loads the keep
version=
write() {
  cat <<LUA | save k.lua
local script, timer, task, json = require "tidelock.script", require "tidelock.timer", require "tidelock.task", require "tidelock.json"
local server, store = require "tidelock.server", require "tidelock.store"
${version}
${options-script.keep_options { persist = true \}}
local keep = script.keep
${top:-}
script.on_start(function(reason)
  ${1:-}
  print("KEEP", reason, keep.n, keep.text and #keep.text, keep.list and keep.list[2].x, keep[1])
end)
LUA
}
hold='timer.every("hold", 60, print)'
sql() {
  "$PYTHON" - "$data/default/state.db" "$1" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
for row in db.execute(sys.argv[2]): print(*row, sep="|")
db.commit()
PY
}
restart() { run_to run k.lua --data "$data" --no-watch; }

# --- over restarts
write 'keep.n, keep.text, keep.list, keep[1] = 1.5, "a\0b\xff", { 1, { x = true } }, math.maxinteger'
restart
is "it ends well" "$status" 0
write
restart
expect "all that is plain data is there after a restart" '^KEEP	start	1.5	4	true	9223372036854775807$'
is "in a file for this user alone" "$(stat -c %a data/default/state.db)" 600
write 'keep.n, keep.text = (keep.n or 0) + 1, nil'
restart
restart
expect "what changes is kept, what goes is gone" '^KEEP	start	3.5	nil	true'
write 'keep.f = print'
restart
expect "what is no plain data is left out, and told" 'WARN  k: script.keep.f: a function cannot be carried over: it is left out on disk'
write
restart
expect "the rest is kept" '^KEEP	start	3.5'
write 'keep.f, keep.big = nil, ("x"):rep(2 << 20) keep.n = 100'
restart
expect "what is too large is told" 'WARN  k: script.keep.big: more than 1024 KiB cannot be carried over: what was kept before stays'
write
restart
expect "and what was kept before is kept" '^KEEP	start	3.5'
options='' top='' write 'keep.n = 5'
restart
write
restart
expect "a version that does not ask writes nothing" '^KEEP	start	3.5'
top='print("TOP", keep.n)' write 'keep.n = 7'
run_to run k.lua --memory --no-watch
expect "--memory reads nothing" '^TOP	nil'
run_to check k.lua
is "and a check has no part in it" "$status" 0
write
restart
expect "nor do they write" '^KEEP	start	3.5'
cp k.lua other.lua
run_to run other.lua --data "$data" --no-watch
expect "each script has its own" '^KEEP	start	nil'

# --- kill -9
top='timer.every("n", 0.01, function() keep.n = keep.n + 1 end)
timer.every("tell", 0.05, function() print("N", keep.n) end)' write 'keep.n = 1'
start run k.lua --data "$data" --no-watch
seen '^N	'
bytes() { sql "SELECT hex(bytes) FROM keep WHERE name = 'k'"; }
changed() { # the row, from what it was at first: twice, each of them after the first that was told
  local was i
  for _ in 1 2; do
    was=$(bytes)
    for ((i = 0; i < 200; i++)); do [ "$(bytes)" = "$was" ] || break; done
    [ $i -lt 200 ] || return 1
  done
}
told=${line#N	}
if changed; then ok "what changes is written while it runs"; else not_ok "what changes is written while it runs"; fi
"$TIDELOCK" run other.lua --data "$data" --no-watch >second 2>&1 </dev/null
is "a second process is told who has the profile" \
  "$(grep -c "script.keep_options: the data in .* is in use by another tidelock, process $pid" second)" 1
kill -KILL "$pid"
ended
write
restart
seen '^KEEP	start	'
n=$(cut -f3 <<<"$line")
if [ "$n" -ge "$told" ]; then ok "a killed process has kept what was written"; else not_ok "a killed process has kept what was written" "$n of $told"; fi

# --- what cannot be used
sql "UPDATE keep SET bytes = substr(bytes, 1, length(bytes) - 1) WHERE name = 'k'"
restart
expect "what cannot be read is set aside" 'ERROR k: it cannot be read; what was kept of the script k is set aside as k~broken-'
expect "and the script begins anew" '^KEEP	start	nil'
is "it is there, under that name" "$(sql "SELECT count(*) FROM keep WHERE name LIKE 'k~broken-%'")" 1
write 'keep.n = 1'
version='script.version(5, function() end)' write 'keep.n = 5'
restart
write
restart
expect "what a newer version wrote fails the start" 'ERROR k: script.keep has version 5 and cannot go back to 1'
is "and stays as it is" "$(sql "SELECT version FROM keep WHERE name = 'k'")" 5
printf 'this is no database at all, but long enough to be one' >data/default/state.db
rm -f data/default/state.db-*
restart
expect "a broken database is set aside as a whole" 'cannot be read as a database; it was set aside as'
is "and all goes on" "$status" 0

# --- versions over restarts
write 'keep.n = 10'
restart
version='script.version(3, function(k, from) print("FROM", from) k.n = k.n * 2 end)' write
restart
expect "a version that rose migrates what is on disk" '^FROM	1$'
expect "before the script starts" '^KEEP	start	20'
restart
never "once" '^FROM'
expect "and what it made is kept" '^KEEP	start	20'
version='script.version(4, function(k) k.n = 0 error "broken" end)' write
restart
is "one that fails ends the start" "$status" 78
expect "with the reason" 'the migrate of script.version, from 3 to 4, failed: .*k.lua:3: broken'
version='script.version(4)' write
restart
expect "and so does a missing one" 'script.keep has version 3: script.version\(4, migrate\) needs a function that makes 4 of it'
version='script.version(3)' write
restart
expect "nothing was changed" '^KEEP	start	20'

# --- versions over reloads
top=$hold version='script.version(3)' write '
  task.spawn(function() local _, err = pcall(task.sleep, 60) print("WOKEN", err.code) end)'
start run k.lua --data "$data"
expect "it starts" '^KEEP	start	20'
top="$hold"' store.define("s", { initial = { n = 1 } })' version='script.version(4, function(k, from) print("FROM", from) k.n = k.n + 1 end)' write
expect "a rise over a reload migrates" '^FROM	3$'
expect "the new version has what it made" '^KEEP	reload	21'
expect "tasks of the old one are cancelled" '^WOKEN	CANCELLED'
refused() { # NAME PATTERN
  expect "$1" "$2"
  expect "$1: the generation that runs goes on" 'the reload is given up: the previous generation goes on'
}
top=$hold version='script.version(5, function(k) k.n = 0 error "broken" end)' write
refused "a failing migrate refuses the reload" 'ERROR k: the migrate of script.version, from 4 to 5, failed: .*k.lua:3: broken'
top=$hold version='script.version(5, function(k) task.sleep(0) end)' write
refused "so does one that waits" 'from 4 to 5, failed: .*task.sleep waits'
top=$hold version='script.version(5)' write
refused "one that is missing" 'script.version\(5, migrate\) needs a function'
top=$hold version='script.version(2)' write
refused "one that falls" 'ERROR k: script.keep has version 4 and cannot go back to 2'
top="$hold"' store.define("s", { initial = { n = 1 }, version = 2, migrate = function() error "in the store" end })' \
  version='script.version(5, function(k) k.n = 0 print "RAN" end)' write
expect "a store's that fails after it" '^RAN'
refused "refuses both" 'migrate of the store s, from version 1 to 2, failed: .*in the store'
top="$hold"' store.define("s", { initial = { n = 1 }, version = 2, migrate = function(d) d.n = 2 end })' \
  version='script.version(5, function(k) error "in keep" end)' write
refused "and the other way round" 'from 4 to 5, failed: .*in keep'
top="$hold"' local s = store.define("s", { initial = { n = 1 }, version = 2, migrate = function(d) d.n = d.n + 1 end })' \
  version='script.version(5, function(k) k.n = k.n + 1 end)' write 'print("STORE", s:get "n")'
expect "both that work are one" '^STORE	2$'
expect "each of them once" '^KEEP	reload	22'
top=$hold version='script.version(5, error)' write 'pcall(script.version, 6) print(pcall(script.version, 6)) print(pcall(script.keep_options, {}))'
expect "a version belongs to the top level" 'false	.*script.version belongs to the top level'
expect "and so do the options" 'false	.*script.keep_options belongs to the top level'
top=$hold version='script.keep_options { persist = true } script.version(6)' write
expect "the version stands first" 'ERROR k: k.lua:3: script.version belongs before script.keep_options'
top=$hold version='script.keep_options { persists = true }' write
expect "an option that there is not is told" 'script.keep_options: unknown option "persists" .did you mean "persist"'
stop
version='script.version(5)' write
restart
expect "what reloads made is on disk" '^KEEP	start	22'

# --- turned on and off while it runs
top=$hold version='script.version(5)' options='' write 'keep.n = 1'
start run k.lua --data "$data"
expect "it runs without" '^KEEP	start	1	'
top=$hold version='script.version(5)' write
expect "turned on over a reload, what is in memory counts" '^KEEP	reload	1	'
stop
version='script.version(5)' write
restart
expect "and is what is kept" '^KEEP	start	1	'
finish
