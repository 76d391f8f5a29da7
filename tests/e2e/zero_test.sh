#!/usr/bin/env bash
# Zero bytes in what goes through files: kept state, script.keep over a reload, messages.
. "$(dirname "$0")/helpers.bash"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/s.lua" <<'END'
local json, script, store = require "tidelock.json", require "tidelock.script", require "tidelock.store"
local s = store.define("s", { initial = { ["a\0b"] = "none", list = {} }, persist = true })
script.on_start(function()
  print(json.encode(s:get()))
  s:set { ["a\0b"] = "x\0y", ["c\0d"] = "more", list = { ["k\0k"] = "v\0v" } }
end)
END
run() { seen=$("$TIDELOCK" run "$work/s.lua" --data "$work/d" --no-watch 2>&1 | tr '\0' '@'); }
run
run
check "keys and values are kept whole" has '{"a\u0000b":"x\u0000y","c\u0000d":"more","list":{"k\u0000k":"v\u0000v"}}'
seen=$("$TIDELOCK" data show s:s --data "$work/d" 2>&1 | tr '\0' '@')
check "and shown" has '"c\u0000d": "more"'

cat >"$work/t.lua" <<'END'
print("a\0b")
error("x\0y", 0)
END
seen=$("$TIDELOCK" check "$work/t.lua" 2>&1 | tr '\0' '@')
check "print" has 'a@b'
check "an error that ends a load is shown whole" has 'x\x00y'
cat >"$work/u.lua" <<'END'
error { code = "ODD", message = "x\0y" }
END
seen=$("$TIDELOCK" check "$work/u.lua" 2>&1 | tr '\0' '@')
check "one with a code, too" has 'ODD: x\x00y'

cat >"$work/s.lua" <<'END'
local script, store = require "tidelock.script", require "tidelock.store"
store.define("s", { initial = { list = {} }, persist = true, version = 2, migrate = function() error("m\0n", 0) end })
script.on_start(function() end)
END
run
check "an error of migrate" has 'm\x00n'

cat >"$work/k.lua" <<'END'
local script, timer = require "tidelock.script", require "tidelock.timer"
print("kept " .. tostring(script.keep["a\0b"]))
script.keep["a\0b"] = script.keep["a\0b"] or "x\0y"
script.keep["f\0n"] = function() end
local first = script.generation == 1
timer.after(0.05, function()
  if first then script.reload() else script.exit(0) end
end)
END
seen=$("$TIDELOCK" run "$work/k.lua" --memory --no-watch 2>&1 | tr '\0' '@')
check "script.keep carries keys and values over a reload" has 'kept x@y'
check "what it cannot carry is named whole" has 'script.keep.f\x00n'
printf 'print("a")\n\0 behind it\nprint(1)\n' >"$work/line.lua"
seen=$("$TIDELOCK" check "$work/line.lua" 2>&1)
check "the line of a load error is shown whole" has '>    2 | \x00 behind it'
exit $bad
