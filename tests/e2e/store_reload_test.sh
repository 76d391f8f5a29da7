#!/usr/bin/env bash
# A store through reloads: its state lives on, keys that are new in the initial state come in, the
# new version's subscribers begin at the swap, and a script that is attached goes on hearing.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/owner.lua" <<'LUA'
local store = require "tidelock.store"
local script = require "tidelock.script"
local timer = require "tidelock.timer"
local VERSION = "first"
local chat = store.define("chat", { initial = { n = 0, list = {} }, share = "read" })
chat:subscribe("n", function(new, old)
  print(("%s heard %d after %d"):format(VERSION, new, old))
end)
timer.every("bump", 0.02, function()
  chat:change("bump", function(draft)
    draft.n = draft.n + 1
    table.insert(draft.list, draft.n)
  end)
end)
script.on_start(function(reason)
  print(("%s started by %s with extra %s"):format(VERSION, reason, chat:get("extra")))
end)
script.on_stop(function()
  local history = chat:history()
  print(("END n=%d list=%d history=%d action=%s"):format(
    chat:get("n"), #chat:get("list"), #history, history[#history].action))
end)
LUA
cat >"$work/reader.lua" <<'LUA'
local store = require "tidelock.store"
local script = require "tidelock.script"
local chat = store.attach("owner:chat")
local last, wrong = nil, 0
chat:subscribe("n", function(new, old)
  if last and old ~= last then wrong = wrong + 1 end
  last = new
end)
script.on_stop(function()
  local ok, err = pcall(chat.set, chat, { n = 0 })
  print(("READER last=%s wrong=%d write=%s %s"):format(last, wrong, ok, err))
end)
LUA
exec {out}< <("$TIDELOCK" run "$work/reader.lua" "$work/owner.lua" --memory 2>"$work/log" & echo "PID $!"; wait $!)
read -r -t 5 _ pid <&"$out"
await() { # TEXT
  local line
  while read -r -t 10 line <&"$out"; do
    echo "$line" >>"$work/out"
    case $line in *"$1"*) return 0 ;; esac
  done
  echo "not ok waited in vain for: $1"
  cat "$work/out" "$work/log"
  kill "$pid" 2>/dev/null
  exit 1
}
await "first heard 5 after 4"
sed 's/"first"/"second"/; s/n = 0, list/n = 0, extra = 7, list/' "$work/owner.lua" >"$work/.new"
mv "$work/.new" "$work/owner.lua"
await "second started by reload with extra 7"
await "second heard"
await "second heard"
echo 'error("broken")' >>"$work/owner.lua"
timeout 10 tail -n +1 -F "$work/log" 2>/dev/null | grep -q -m 1 "previous version goes on"
await "second heard"
kill -INT "$pid"
await "READER"
await "END" 2>/dev/null || true
status=0
check() { # NAME CONDITION...
  local name=$1
  shift
  if "$@"; then echo "ok $name"; else
    echo "not ok $name"
    cat "$work/out"
    status=1
  fi
}
one_by_one() { # every number was heard after the one before it
  grep -o 'heard [0-9]* after [0-9]*' "$work/out" | awk '$2 != $4 + 1 || (last && $4 != last) { bad = 1 } { last = $2 } END { exit bad }'
}
check "each change is heard once, in order, by one version" one_by_one
check "the attached script missed none and may not write" grep -q 'READER last=[0-9]* wrong=0 write=false .*not shared' "$work/out"
check "state and history live on" grep -Eq 'END n=([0-9]+) list=\1 history=[0-9]+ action=bump' "$work/out"
exit $status
