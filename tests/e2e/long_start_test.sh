#!/usr/bin/env bash
# on_start has a turn's time of its own, though it runs in the coroutine of the top level: together
# they take more than the limit. The second part is less than a quarter of it: so it is never
# late by the wall clock, however busy the machine.
cat >"$TMPDIR/long.lua" <<'LUA'
local script = require "tidelock.script"
local function work(seconds)
  local start = os.clock()
  while os.clock() - start < seconds do end
end
work(2.6)
script.on_start(function()
  work(0.65)
  print("done")
  script.exit(0)
end)
LUA
out=$("$TIDELOCK" run "$TMPDIR/long.lua" --plain --turn-limit 3)
[ "$out" = "done" ] && echo "ok a long on_start" || { echo "not ok a long on_start: $out" && exit 1; }
