#!/usr/bin/env bash
# Killed in the middle of a start, or of a reload, that migrates two stores: each is the old one or the
# new one, whole, under its version; the next start makes it the new one.
. "$(dirname "$0")/run.bash" || exit 1
version() { # N: each of the keys says it
  cat <<LUA
local store, script, task = require "tidelock.store", require "tidelock.script", require "tidelock.task"
local function initial()
  local all = {}
  for i = 1, 20000 do all["k" .. i] = $1 end
  return all
end
local function migrate(draft) for key in pairs(draft) do draft[key] = $1 end end
local options = { initial = initial(), persist = true, persist_delay = 0.001, version = $1, migrate = $1 > 1 and migrate or nil }
local a, b = store.define("a", options), store.define("b", options)
script.on_start(function(reason)
  a:change(function(d) d.touched = $1 end)
  b:change(function(d) d.touched = $1 end)
  a:flush()
  b:flush()
  print("DONE $1", reason)
  if script.args[1] == "stay" then task.sleep(100) end
  script.exit()
end)
LUA
}
kept() { # what is kept, in a word for each store: old, new, or what it is
  "$TIDELOCK" data export --data data 2>&1 | "$PYTHON" -c '
import json, sys
def one(s):
    says = set(s["state"].values())
    whole = len(s["state"]) == 20001 and says == {s["version"]}
    return {1: "old", 2: "new"}[s["version"]] if whole else "%s: %s keys of %s" % (s["version"], len(s["state"]), says)
kept = json.load(sys.stdin)
print(" ".join(one(kept[n]) for n in ("s:a", "s:b")))'
}
check() {
  local now
  now=$(kept)
  case $now in
    "old old" | "old new" | "new old" | "new new") ;;
    *) bad="$now" ;;
  esac
}
rm -rf data made
version 1 >s.lua
"$TIDELOCK" run s.lua --data data --no-watch >out 2>&1
mv data made
bad=
for try in 0 1 2 3 4 5 6 7 8 9 10 11; do
  rm -rf data && cp -r made data
  version 2 >s.lua
  "$TIDELOCK" run s.lua --data data --no-watch >out 2>&1 </dev/null &
  pid=$!
  sleep "$(printf '%d.%02d' $((try * try / 100)) $((try * try % 100)))"
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  check
done
if [ -z "$bad" ]; then ok "killed in a start that migrates, each store is whole"; else not_ok "killed in a start that migrates, each store is whole" "$bad"; fi
"$TIDELOCK" run s.lua --data data --no-watch >out 2>&1 </dev/null
now=$(kept)
if [ "$now" = "new new" ]; then ok "and migrated by the next start"; else not_ok "and migrated by the next start" "$now $(cat out)"; fi
bad=
for try in 0 1 2 3 4 5 6 7; do
  rm -rf data && cp -r made data
  version 1 >s.lua
  "$TIDELOCK" run s.lua --data data -- stay >out 2>&1 </dev/null &
  pid=$!
  for _ in $(seq 300); do
    if grep -q '^DONE 1' out; then break; fi
    sleep 0.05
  done
  version 2 >new.lua && mv new.lua s.lua
  sleep "$(printf '0.%02d' $((try * try * 2)))"
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  check
done
if [ -z "$bad" ]; then ok "killed in a reload that migrates, each store is whole"; else not_ok "killed in a reload that migrates, each store is whole" "$bad"; fi
version 2 >s.lua
"$TIDELOCK" run s.lua --data data --no-watch >out 2>&1 </dev/null
now=$(kept)
if [ "$now" = "new new" ]; then ok "and migrated by the start behind it"; else not_ok "and migrated by the start behind it" "$now $(cat out)"; fi
finish
