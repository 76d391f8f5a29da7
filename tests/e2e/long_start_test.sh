#!/usr/bin/env bash
# on_start may run for longer than the top level may, though it runs in the same coroutine.
cat >"$TMPDIR/long.lua" <<'LUA'
local script = require "tidelock.script"
script.on_start(function()
  local start = os.clock()
  while os.clock() - start < 1.3 do end
  print("done")
  script.exit(0)
end)
LUA
out=$("$TIDELOCK" run "$TMPDIR/long.lua" --plain)
[ "$out" = "done" ] && echo "ok a long on_start" || { echo "not ok a long on_start: $out" && exit 1; }
