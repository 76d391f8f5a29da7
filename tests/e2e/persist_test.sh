#!/usr/bin/env bash
# What a store keeps: over two runs, over kill -9, against a second process, over versions.
. "$(dirname "$0")/helpers.bash"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/s.lua" <<'END'
local script, store, timer = require "tidelock.script", require "tidelock.store", require "tidelock.timer"
local json = require "tidelock.json"
local s = store.define("s", {
  initial = { n = 0, messages = json.array {}, other = 0 },
  persist = { "n", "messages" }, persist_delay = 0.01, version = tonumber(script.args and script.args[2]) or 1,
})
local mode = script.args and script.args[1]
script.on_start(function()
  print("start", s:get("n"), #s:get("messages"), s:get("other"))
  if mode == "hold" then
    print "holding"
    timer.every(0.002, function()
      s:change(function(d)
        d.n = d.n + 1
        table.insert(d.messages, #d.messages // 2 + 1, { id = d.n, text = ("x"):rep(200) })
      end)
      print("changed", s:get("n"))
    end)
  else
    s:change(function(d)
      d.n, d.other = d.n + 1, 5
      table.insert(d.messages, { id = d.n })
    end)
  end
end)
END
run() { seen=$("$TIDELOCK" run "$work/s.lua" --data "$work/d" --no-watch "$@" 2>&1); }
run
check "a first run begins with the initial state" has "start	0	0	0"
run
check "a second goes on with what was kept, and that alone" has "start	1	1	0"
check "the file is private" [ "$(stat -c %a "$work/d/default/state.db")" = 600 ]
run --memory
check "--memory keeps and reads nothing" has "start	0	0	0"

: >"$work/out"
"$TIDELOCK" run "$work/s.lua" --data "$work/d" --no-watch -- hold >>"$work/out" 2>&1 &
pid=$!
until_true grep -q "^changed	150" "$work/out"
run
check "a second process is told who has the profile" has "process $pid"
check "and what to do" has "--profile"
run --profile other
check "another profile is another state" has "start	0	0	0"
kill -9 $pid
wait $pid 2>/dev/null
last=$(grep -c ^changed "$work/out")
run
n=$(sed -n 's/^start	\([0-9]*\)	.*/\1/p' <<<"$seen") count=$(sed -n 's/^start	[0-9]*	\([0-9]*\)	.*/\1/p' <<<"$seen")
check "kill -9 loses the last moments at most" [ "${n:-0}" -ge 100 -a "${n:-0}" -le $((last + 5)) ]
check "and what is kept is whole" [ "$n" = "$count" ]

run -- once 2
check "an older version without a migration fails the start" has "the store s has version 1, and no \`migrate\` to make 2 of it"
check "and begins nothing" lacks "start	"
run -- once 1
check "what was kept is as it was" has "start	$((n + 1))	$((count + 1))	0"
exit $bad
