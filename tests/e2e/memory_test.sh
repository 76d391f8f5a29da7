#!/usr/bin/env bash
# What a script may hold, in Lua and in the core, where the system gives little. Each script uses
# what its numbers allow; it must be refused, and go on.
. "$ROOT/tests/e2e/run.bash"
if ldd "$TIDELOCK" | grep -q libasan; then
  echo "not ok what a script may hold # SKIP the sanitizer needs more address space than these tests give"
  exit 0
fi

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
  (ulimit -v 400000 && timeout -k 1 200 "$TIDELOCK" run --memory --turn-limit 20 hoard.lua >out 2>&1 </dev/null)
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

# What is kept over a reload is copied twice: where there is no memory for that the load is given up.
hoard "a reload that cannot carry script.keep over" 'local keep = script.keep
  keep.n = 0
  print(until_refused(function()
    for _ = 1, 50000 do keep.n = keep.n + 1 keep["k" .. keep.n] = ("x"):rep(20) .. keep.n end
    return true
  end))
  for _ = 1, 5 do script.reload() task.sleep(0.2) end' 'MEMORY: no memory left to carry script.keep over'

# --- a script that is full -----------------------------------------------------------------------
# Each time that it asks in vain everything is collected, while all others wait: so the second time in one turn ends the turn,
# past every pcall, and what it leaves is collected before the next.
cat >full.lua <<'END'
local script, timer = require "tidelock.script", require "tidelock.timer"
script.on_start(function()
  for _ = 1, 100 do assert(not pcall(string.rep, "x", 1e9)) end
  print "much is refused cheaply"
  local all = {}
  timer.after(0, function()
    print(collectgarbage("count") < 200000 and "it is collected" or "it is there yet")
    script.exit(0)
  end)
  while true do
    pcall(function()
      while true do all[#all + 1] = {} end
    end)
  end
end)
END
start run --memory --no-watch --turn-limit 60 full.lua
expect "a script that has room is refused again and again" '^much is refused cheaply'
expect "a full one is not: its turn is over" 'ERROR full: .*MEMORY: .*again and again'
expect "what it left is collected before its next turn" '^it is collected'
ended
is "... which comes" "$status" 0
finish
