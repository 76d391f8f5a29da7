#!/usr/bin/env bash
# What scripts may use: depth, processor time, wall clock, memory. See also tests/lua/depth_test.lua
# and tests/lua/sandbox_test.lua.
. "$ROOT/tests/e2e/run.bash"

# --- depth, with stacks of other sizes -----------------------------------------------------------
for stack in 6144 8192 65536; do
  out=$(ulimit -s $stack && timeout -k 1 60 "$TIDELOCK" test --turn-limit 30 "$ROOT/tests/lua/depth_test.lua" 2>&1)
  is "depth: every nesting raises with a stack of $stack KB" "$?" 0
done
save chain.lua <<'END'
local last
for _ = 1, 15000 do
  local inner = last
  last = coroutine.create(function()
    local _ <close> = setmetatable({}, { __close = function()
      local ok, err = true, nil
      if inner then ok, err = coroutine.close(inner) end
      if not ok then error(err, 0) end
    end })
    coroutine.yield()
  end)
  coroutine.resume(last)
end
assert(coroutine.close(last))
END
for command in check "run --memory"; do
  # shellcheck disable=SC2086
  run_to $command chain.lua
  is "depth: $command ends a chain at the top level with an error, not a signal" \
    "$((status == 1 || status == 78))" 1
  expect "depth: and says why ($command)" 'C stack overflow'
done

# --- the limit of a turn -------------------------------------------------------------------------
cat >loop.lua <<'END'
local script, task = require "tidelock.script", require "tidelock.task"
script.on_start(function()
  local from = os.clock()
  local t = task.spawn(function() while true do end end)
  print(pcall(t.await, t))
  print(("used %.0f"):format((os.clock() - from) * 1000))
end)
END
used() { sed -n 's/^used //p' out; }
between() { # NAME LOW HIGH
  local ms
  ms=$(used)
  if [ "${ms:-0}" -ge "$2" ] && [ "$ms" -le "$3" ]; then ok "$1"; else not_ok "$1" "used ${ms:-?} ms"; fi
}
run_to run --memory loop.lua
expect "turn: one second by default" 'CPU_LIMIT: ran for 1.0 s without waiting'
run_to run --memory loop.lua --turn-limit 0.3
expect "turn: what the command line says" 'CPU_LIMIT: ran for 0.3 s without waiting'
between "turn: and not much more" 100 450
echo 'while true do end' >top.lua
run_to check --turn-limit=0.2 top.lua
expect "turn: the top level too" "top level ran for more than 0.2 s"
for value in 0 -1 0.01 3601 nan inf 1x "''"; do
  run_to run --memory loop.lua "--turn-limit=$value"
  is "turn: --turn-limit=$value is wrong usage" "$status" 2
done
echo 'print(pcall(require "tidelock.script".cpu_limit, 2))' >ask.lua
run_to run --memory ask.lua
expect "turn: a script cannot raise it" '^false.*0.05 to 1.0 seconds'
run_to run --memory ask.lua --turn-limit 2
expect "turn: it may use what it is given" '^true'

# Two that compete for one processor: the clock on the wall counts.
spin() { while :; do :; done; }
spin & spins=$!
spin & spins="$spins $!"
processor=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
for one in $spins; do taskset -cp "$processor" "$one" >/dev/null; done
timeout 30 taskset -c "$processor" "$TIDELOCK" run --memory loop.lua >out 2>&1 </dev/null
# shellcheck disable=SC2086
kill $spins
mark=1
expect "turn: on a busy processor it is stopped too" 'CPU_LIMIT'
between "turn: by the clock, with a quarter of the processor time at least" 220 800

cat >work.lua <<'END'
local script = require "tidelock.script"
script.on_start(function()
  print "begins"
  local till = os.clock() + 1.3
  while os.clock() < till do end
  print "done"
end)
END
start run --memory work.lua --turn-limit 5
seen '^begins'
renice -n -20 -p "$pid" >/dev/null 2>&1 # else a busy machine makes it late, as it should
kill -STOP "$pid"
sleep 5.5
kill -CONT "$pid"
expect "turn: what stands still counts nothing" '^done'
stop

# --- migrate -------------------------------------------------------------------------------------
version() { # N MIGRATE
  save state.lua <<END
local store = require "tidelock.store"
require("tidelock.timer").every("hold", 60, print)
store.define("s", { initial = { n = 0 }, persist = { "n" }, version = $1, migrate = function() $2 end })
require("tidelock.script").on_start(function() print("version $1") store.attach("state:s"):set { n = $1 } end)
END
}
spend() { echo "local till = os.clock() + $1 while os.clock() < till do end"; }
version 1 ""
start run --data data state.lua
seen 'version 1'
stop
version 2 "$(spend 1.0)"
start run --data data state.lua --turn-limit 0.3
expect "migrate: has longer than a turn at the start" '^version 2'
version 3 "$(spend 1.0)"
expect "migrate: and over a reload" '^version 3'
version 4 "while true do end"
expect "migrate: which is not without end" 'CPU_LIMIT: ran for 5.0 s'
stop

# --- tasks that do not take their cancellation ---------------------------------------------------
poller() { # NAME WHAT-EACH-OF-100-DOES
  save poller.lua <<END
local script, task, timer = require "tidelock.script", require "tidelock.task", require "tidelock.timer"
script.grace(0)
script.on_start(function(reason)
  print("$1 started by " .. reason)
  timer.after(0.05, function() print "$1 goes on" end)
  for _ = 1, 100 do task.spawn(function() $2 end) end
end)
END
}
milliseconds_since() { echo $(((${EPOCHREALTIME/[.,]/} - $1) / 1000)); }
within() { # NAME FROM MOST
  local took
  took=$(milliseconds_since "$2")
  if [ "$took" -le "$3" ]; then ok "$1"; else not_ok "$1" "took $took ms"; fi
}
poller one 'while true do pcall(task.sleep, 1) end'
start run --memory poller.lua
seen 'one goes on'
from=${EPOCHREALTIME/[.,]/}
poller two 'pcall(task.sleep, 1000) while true do end'
expect "pollers: the version that replaces them goes on" 'two goes on'
within "pollers: soon" "$from" 2500
is "pollers: a line for each, no more" "$(($(wc -l <out) < 250))" 1
from=${EPOCHREALTIME/[.,]/}
poller three 'while true do pcall(task.sleep, 1) end'
expect "pollers: those that loop share the time of one turn" 'three goes on'
within "pollers: all of them" "$from" 7000
from=${EPOCHREALTIME/[.,]/}
kill -INT "$pid"
ended
is "pollers: Ctrl-C ends them" "$status" 130
within "pollers: at once" "$from" 1500
cat >exit.lua <<'END'
local script, task = require "tidelock.script", require "tidelock.task"
script.on_start(function()
  for _ = 1, 100 do task.spawn(function() while true do pcall(task.sleep, 1) end end) end
  task.sleep(0.1)
  script.exit(3)
end)
END
from=${EPOCHREALTIME/[.,]/}
run_to run --memory exit.lua
is "pollers: script.exit ends them" "$status" 3
within "pollers: at once as well" "$from" 2500

# --- memory --------------------------------------------------------------------------------------
# Each uses what its numbers allow, where the system gives little; it must be refused, and go on.
hoard() { # NAME WHAT REFUSED
  save hoard.lua <<END
local script, store, task = require "tidelock.script", require "tidelock.store", require "tidelock.task"
local socket, json, timer = require "tidelock.socket", require "tidelock.json", require "tidelock.timer"
local HUGE = (1 << 40) - 1
local count = { count = 1 << 30 }
local s = store.define("s", { initial = {}, memory = HUGE, history = count })
local t = store.define("t", { initial = {}, history = { count = HUGE, bytes = HUGE } })
local chat = socket.connect("chat", { url = "http://127.0.0.1:1", auto_connect = false,
  buffer = { count = 1e7, bytes = 1e10, age = 1e6, unsent = 1e10 } })
local function until_refused(fn)
  for i = 1, 3000 do
    local ok, value, err = pcall(fn, i)
    if not ok or value == nil and err then return ok and err.code or tostring(value) end
    if i % 20 == 0 then task.sleep(0) end
  end
  return "never"
end
local _ = { s, t, chat, json, timer, until_refused }
script.on_start(function()
  $2
  print "still here"
  script.exit(0)
end)
END
  (ulimit -v 400000 && timeout -k 1 60 "$TIDELOCK" run --memory --turn-limit 20 hoard.lua >out 2>&1 </dev/null)
  status=$?
  mark=1
  expect "memory: $1 is refused" "$3"
  expect "memory: $1, and the script goes on" '^still here'
  is "memory: $1, to its end" "$status" 0
}
hoard "a history of any length" 's:set { n = 1 } print "fine"' '^fine'
hoard "a store" 'print(until_refused(function(i) s:set { ["k" .. i] = ("x"):rep(1e6) .. i } end))' \
  'holds more than it may'
hoard "a change" 'print(until_refused(function(i)
  s:change(function(d) d["k" .. i] = ("x"):rep(1e6) .. i end) end))' 'holds more than it may'
hoard "what history holds" 'local x = ("x"):rep(5e5)
  print(until_refused(function(i) t:set { n = x .. i } return i end))' 'holds more than it may'
hoard "what waits to be sent" 'local x = ("x"):rep(1e6)
  print(until_refused(function() return chat:emit("x", x) end))' '^BUFFER_FULL'
hoard "JSON of much in little" 'local x = ("\0"):rep(1e7) local y = {} for i = 1, 9 do y[i] = x end
  local text, err = json.encode(y) print(text, err.code)' '^nil.(TOO_LARGE|MEMORY)'
hoard "JSON laid out" 'local x = {} for i = 1, 100000 do x[i] = 1 end for _ = 1, 400 do x = { x } end
  local text, err = json.encode(x, { pretty = true }) print(text and #text, err and err.code)' \
  '^([0-9]+.nil|nil.TOO_LARGE)'
hoard "what tasks take" 'print(until_refused(function(i)
  for _ = 1, 1000 do task.spawn(function() task.sleep(100) end) end end))' 'not enough memory'
finish
