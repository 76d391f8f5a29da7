#!/usr/bin/env bash
# on_start has a turn's time of its own, though it runs in the coroutine of the top level: together
# they take more than the limit.
cat >"$TMPDIR/long.lua" <<'LUA'
local script = require "tidelock.script"
local function work()
  local start = os.clock()
  while os.clock() - start < 1.6 do end
end
work()
script.on_start(function()
  work()
  print("done")
  script.exit(0)
end)
LUA
out=$("$TIDELOCK" run "$TMPDIR/long.lua" --plain --turn-limit 3)
[ "$out" = "done" ] && echo "ok a long on_start" || { echo "not ok a long on_start: $out" && exit 1; }
