#!/usr/bin/env bash
# What lies where the data is to lie and is none of it: nothing hangs, nothing else is written to.
. "$(dirname "$0")/run.bash" || exit 1
cat >s.lua <<'LUA'
local store, script = require "tidelock.store", require "tidelock.script"
local s = store.define("s", { initial = { n = 0 }, persist = true })
script.on_start(function()
  s:change(function(d) d.n = d.n + 1 end)
  print("N", s:get "n", s:flush())
  script.exit()
end)
LUA
anew() { rm -rf data && mkdir -p data/default; }
tool() { timeout 60 "$TIDELOCK" "$@" --data data >out 2>&1 </dev/null; status=$?; }
is_told() { # NAME STATUS TEXT COMMAND...
  local name=$1 want=$2 text=$3
  shift 3
  tool "$@"
  if [ $status = "$want" ] && grep -q "$text" out; then ok "$name"; else not_ok "$name" "$status: $(cat out)"; fi
}
for kind in folder pipe device; do
  anew
  case $kind in
    folder) mkdir data/default/state.db ;;
    pipe) mkfifo data/default/state.db ;;
    device) ln -s /dev/zero data/default/state.db ;;
  esac
  is_told "a $kind for a database, a run" 78 'state.db is no file: move it away' run s.lua --no-watch
  is_told "a $kind for a database, data list" 1 'state.db is no file: move it away' data list
  is_told "a $kind for a database, data reset" 1 'state.db is no file: move it away' data reset s:s
done
for kind in folder pipe link; do
  anew
  echo precious >victim
  case $kind in
    folder) mkdir data/default/state.lock ;;
    pipe) mkfifo data/default/state.lock ;;
    link) ln -s "$PWD/victim" data/default/state.lock ;;
  esac
  is_told "a $kind for a lock, a run" 78 'state.lock' run s.lua --no-watch
  if [ "$(cat victim)" = precious ]; then ok "a $kind for a lock: nothing else is written to"; else not_ok "a $kind for a lock: nothing else is written to" "$(cat victim)"; fi
done
for name in state.db.plan-new state.db.plan-1 state.db.plan-2; do
  anew
  mkfifo "data/default/$name"
  is_told "a pipe for $name" 0 '^N	1	true$' run s.lua --no-watch
done
anew
is_told "nothing odd, once" 0 '^N	1	true$' run s.lua --no-watch
mv data/default/state.db data/default/state.db.broken-7
mkfifo data/default/state.db.broken-8
is_told "a pipe is not brought back" 1 'there is no state.db.broken-8' data restore state.db.broken-8
is_told "what is beside a file is not" 1 'there is no state.db.broken-7-wal' data restore state.db.broken-7-wal
is_told "a file is" 0 'state.db is back, from state.db.broken-7' data restore state.db.broken-7
is_told "with what it said" 0 '^N	2	true$' run s.lua --no-watch
# The data may lie elsewhere.
anew
mkdir -p elsewhere
ln -s "$PWD/elsewhere/real.db" data/default/state.db
touch elsewhere/real.db
is_told "a database that is a link" 0 '^N	1	true$' run s.lua --no-watch
is_told "a database that is a link, again" 0 '^N	2	true$' run s.lua --no-watch
# One key that is no text hides nothing.
anew
cat >k.lua <<'LUA'
local store, script = require "tidelock.store", require "tidelock.script"
local s = store.define("s", { initial = { fine = 1, ["a\xff"] = 2, ["b\xc3"] = { c = 3 } }, persist = true })
script.on_start(function()
  s:change(function(d) d.fine = 10 end)
  s:flush()
  script.exit()
end)
LUA
tool run k.lua --no-watch
is_told "a key that is not UTF-8: the rest is shown" 0 '"fine": 10' data show k:s
is_told "what lies below it, too" 0 '"c": 3' data show k:s
is_told "and exported" 0 '"fine": 10' data export
finish
