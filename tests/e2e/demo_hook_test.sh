#!/usr/bin/env bash
# Scripts of one's own beside the demo's: one that is attached to the client's connection, and some
# that cannot load, take the input, or end themselves. The demo goes on, and ends as it would.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0
hooks=$(mktemp -d)
echo 'x = = 1' >"$hooks/broken.lua"
echo 'require("tidelock.input").on_line(function(line) print("stolen " .. line) end)' >"$hooks/thief.lua"
cat >"$hooks/ends.lua" <<'LUA'
local script = require "tidelock.script"
script.on_start(function() script.exit(9) end)
script.on_stop(function() print "ends: stopped" end)
LUA
cat >"$hooks/reader.lua" <<'LUA'
local store = require "tidelock.store"
local projects = store.attach "client:projects"
projects:subscribe({ "current", "name" }, function(name) print("reader: in " .. tostring(name)) end)
LUA
demo() { # NAME PATTERN HOOK
  local out rc
  out=$(printf 'three small words\n/quit\n' | timeout -k 1 30 "$TIDELOCK" demo --plain --memory examples/hook.lua "$3" 2>&1)
  rc=$?
  if [ $rc = 0 ] && grep -q 'hook: Demo wrote 3 words' <<<"$out" && grep -q -e "$2" <<<"$out" && ! grep -q '^stolen' <<<"$out"; then
    echo "ok $1"
  else
    echo "not ok $1: exit $rc"
    echo "$out"
    bad=1
  fi
}
demo "a hook beside the demo, and one that reads the client's stores" '^reader: in Welcome' "$hooks/reader.lua"
demo "one that cannot load" 'ERROR broken: .*near' "$hooks/broken.lua"
demo "one that takes the input" 'ERROR thief: .*standard input is read by the script client' "$hooks/thief.lua"
demo "which the client tells by that name" '^! thief is not loaded: .*standard input' "$hooks/thief.lua"
demo "one that ends itself" '^ends: stopped' "$hooks/ends.lua"
demo "one that is not there" 'ERROR nowhere: ' "$hooks/nowhere.lua"
rm -rf "$hooks"
exit $bad
