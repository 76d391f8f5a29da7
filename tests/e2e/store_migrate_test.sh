#!/usr/bin/env bash
# Versions of a store: over restarts and over reloads, with migrations that work and that do not.
. "$(dirname "$0")/run.bash"
data=$PWD/data
# write VERSION KEYS MIGRATE [REST]: the script s.lua
write() {
  cat >s.lua.new <<LUA
local script, store, json = require "tidelock.script", require "tidelock.store", require "tidelock.json"
local server, task, timer = require "tidelock.server", require "tidelock.task", require "tidelock.timer"
${hold:-}
local s = store.define("s", { initial = { fresh = $1 }, persist = { $2 }, persist_delay = 0.01, share = "read", version = $1, migrate = $3 })
s:on_error(function(err) print("HEARD", err and err.code, err and err.message) end)
script.on_start(function(reason)
  print("STATE", $1, reason, json.encode(s:get()))
  ${4:-}
end)
${last:-}
LUA
  mv s.lua.new s.lua
}
sql() {
  "$PYTHON" - "$data/default/state.db" "$1" <<'PY'
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*row, sep="|")
PY
}
rows() { sql "SELECT row.json FROM store JOIN row ON row.store = store.id WHERE name $1 ORDER BY place"; }

# --- over restarts
write 1 '"msgs"' nil 's:set { msgs = { "a", "b" } }'
run_to run s.lua --data "$data" --no-watch
write 2 '"messages"' 'function(d, from)
  print("FROM", from)
  d.messages, d.msgs, d.migrations = d.msgs, nil, nil
  table.insert(d.messages, "c")
end'
run_to run s.lua --data "$data" --no-watch
expect "a migration is told which version is stored" "^FROM	1$"
expect "what it makes is the state, with what lacks from the initial one" \
  '^STATE	2	start	\{"messages":\["a","b","c"\],"fresh":2\}'
is "it is written, and what is kept no more has gone" "$(rows "= 's:s'")" '["a","b","c"]'
is "with the new version" "$(sql "SELECT name, version FROM store")" "s:s|2"
run_to run s.lua --data "$data" --no-watch
never "a second start does not migrate again" "^FROM"
expect "and finds what was made" '^STATE	2	start	\{"messages":\["a","b","c"\],"fresh":2\}'
write 4 '"messages"' 'function(d, from) print("FROM", from) for v = from + 1, 4 do table.insert(d.messages, v) end end'
run_to run s.lua --data "$data" --no-watch
expect "a later one is told how far it has to go" "^FROM	2$"
expect "and goes there in one" '^STATE	4	start	.*"a","b","c",3,4'

write 5 '"messages"' 'function(d) d.messages = nil; d.messages.x = 1 end' 's:set { messages = { "new" } }
  s:on_error(function(err) print("LATER", err.code) end)'
run_to run s.lua --data "$data" --no-watch
expect "a migration that fails is told with its traceback" "error in migrate of s: .*s.lua:4: "
expect "with the place" "s.lua:4: in function"
expect "which fails the load" 'ERROR s: .*migrate of the store s, from version 4 to 5, failed: .*s.lua:4: .*; what is kept is as it was: .*tidelock data reset s:s'
is "and the start" $status 78
is "nothing is touched" "$(rows "= 's:s'") $(sql "SELECT name, version FROM store")" '["a","b","c",3,4] s:s|4'
write 5 '"messages"' 'function(d) table.insert(d.messages, "mended") end'
run_to run s.lua --data "$data" --no-watch
expect "and the next that works finds it" '^STATE	5	start	.*"a","b","c",3,4,"mended"'
write 6 '"messages"' 'function(d, from)
  local until_then = os.clock() + 1.1
  while os.clock() < until_then do end
  table.insert(d.messages, "slow")
end'
run_to run s.lua --data "$data" --no-watch
expect "one may take longer than a top level" '^STATE	6	start	.*"slow"'
write 7 '"messages"' nil
run_to run s.lua --data "$data" --no-watch
expect "without a migration the start fails too" "the store s has version 6, and no .migrate. to make 7 of it; .*tidelock data reset s:s"
is "with a status that says so" $status 78
write 3 '"messages"' nil
run_to run s.lua --data "$data" --no-watch
expect "and so it does on what a newer version stored" \
  "what is kept of the store s has version 6, and cannot go back to 3: .*tidelock data reset s:s"
is "nothing was lost" "$(rows "= 's:s'") $(sql "SELECT name, version FROM store")" '["a","b","c",3,4,"mended","slow"] s:s|6'

# --- a load that is given up
port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
write 1 '"k"' nil 's:set { k = { "kept" } }'
run_to run t=s.lua --data "$data" --no-watch
busy() { echo "server.listen('http', { port = $port, host = '127.0.0.1' })" >>s.lua; }
cat >holder.lua <<LUA
local server = require "tidelock.server"
server.listen("http", { port = $port, host = "127.0.0.1" })
require "tidelock.script".on_start(function() print "HOLDS" end)
LUA
start run holder.lua --memory --no-watch
holder=$pid
expect "a port is taken" "^HOLDS"
write 2 '"k"' 'function() error "not today" end'
busy
timeout 20 "$TIDELOCK" run t=s.lua --data "$data" --no-watch >first 2>&1 </dev/null
is "a load that fails after a migration did" $? 78
is "has set nothing aside" "$(rows "= 't:s'")" '["kept"]'
write 2 '"k"' 'function(d) d.k = { "migrated" } end'
busy
timeout 20 "$TIDELOCK" run t=s.lua --data "$data" --no-watch >first 2>&1 </dev/null
is "nor written what another made" "$(rows "= 't:s'")" '["kept"]'

# --- over reloads
cat >reader.lua <<'LUA'
local store = require "tidelock.store"
local s = store.attach "s:s"
s:subscribe("n", function(new, old) print("READER", new, old) end)
store.trace(function(change) if change.action == "migrate" then print("TRACED", change.store, change.state.n) end end)
LUA
hold='timer.every("hold", 60, function() end)'
reload() { # WHERE
  start run s.lua reader.lua $1
  expect "$1: the first version starts" "^STATE	1	start"
  write 2 '"n"' 'function(d, from) print("FROM", from) d.n = d.n + 10 end' \
    'for _, c in ipairs(s:history()) do print("CHANGE", c.action, table.concat(c.paths, " ")) end
     print("UNDO", select(2, s:undo(2)))
     s:subscribe("n", function(new, old) print("SUBSCRIBER", new, old) end) s:set { n = s:get "n" + 1 }'
  expect "$1: a version that rises is migrated in memory" "^FROM	1$"
  expect "$1: which who traces hears of" "^TRACED	s:s	11"
  expect "$1: the new version finds what it made" '^STATE	2	reload	\{.*"n":11.*\}'
  expect "$1: history has it as one change" "^CHANGE	set	n"
  expect "$1: by its name" "^CHANGE	migrate	n"
  expect "$1: undo does not go behind it" "^UNDO	INVALID: undo"
  expect "$1: the new version's subscribers begin after it" "^SUBSCRIBER	12	11"
  if grep -q "^READER	12	1$" out; then ok "$1: those of others hear of it"; else not_ok "$1: those of others hear of it"; fi
  write 2 '"n"' 'function(d, from) print("FROM", from) end' 'task.spawn(function() task.sleep(0) end)'
  expect "$1: the same version again" '^STATE	2	reload	\{.*"n":12.*\}'
  write 3 '"n"' 'function(d) d.n = nil; error "broken" end'
  expect "$1: a migration that fails refuses the reload" \
    "migrate of the store s, from version 2 to 3, failed: .*s.lua:[0-9]+: broken"
  expect "$1: which says so" "the reload is given up"
  write 4 '"n"' nil
  expect "$1: without a migration too" "the store s has version 2, and no .migrate. to make 4 of it"
  write 3 '"n"' 'function(d) task.sleep(0) end'
  expect "$1: and one that waits" "from version 2 to 3, failed: .*task.sleep waits"
  write 1 '"n"' nil
  expect "$1: and one that falls" "the store s has version 2 and cannot go back to 1"
  last="server.listen('http', { port = $port, host = '127.0.0.1' })" write 3 '"n"' 'function(d) print "RAN" d.n = 0 end'
  expect "$1: one that works" "^RAN"
  expect "$1: before something else fails" "the reload is given up"
  write 2 '"n"' nil 'print "BACK"'
  expect "$1: has changed nothing" '^STATE	2	reload	\{.*"n":12.*\}'
  never "$1: no migration ran again" "^FROM"
  stop
  is "$1: it ends by the signal alone" $status 143
}
write 1 '"n"' nil 's:set { n = 1 }'
reload --memory
write 1 '"n"' nil 's:set { n = 1 }'
reload "--data $data/reload"
data=$data/reload
is "what a reload made is on disk" "$(rows "= 's:s'")" 12
is "with its version" "$(sql "SELECT version FROM store")" 2

# --- those that were under way
cat >s.lua <<'LUA'
local script, store, task = require "tidelock.script", require "tidelock.store", require "tidelock.task"
local s = store.define("s", { initial = { n = 1 } })
script.on_start(function()
  print "WAITS"
  local ok, err = pcall(task.sleep, 60)
  print("CANCELLED", ok, err.code)
end)
LUA
start run s.lua --memory
expect "a task of the old version waits" "^WAITS"
write 2 '"n"' 'function(d) d.n = 2 end'
expect "it is cancelled when a version rises" "^CANCELLED	false	CANCELLED"
stop
kill "$holder"
finish
