#!/usr/bin/env bash
# What the core makes for a script is charged to it: timers, gates, groups, bodies of requests (tasks: limits_test.sh). And what
# a script makes happen again and again leaves the others their turns.
. "$ROOT/tests/e2e/run.bash"

# A script's limit is a quarter of what there is: 75 MB.
within() {
  (ulimit -v 300000 && timeout -k 1 60 "$TIDELOCK" run --memory --no-watch "$1" >out 2>&1)
  status=$? mark=1
}
fill() { # NAME WHAT: the body of make(), called until it raises
  cat >"$1.lua" <<END
local script, task, timer = require "tidelock.script", require "tidelock.task", require "tidelock.timer"
local core = require "tidelock.task.core"
local group, kept = nil, {}
script.on_start(function()
  local t = task.spawn(function() end)
  task.sleep(0)
  local function make() $2 end
  local count, ok, err = 0, true, nil
  while ok and count < 3e6 do
    for _ = 1, 5000 do
      ok, err = pcall(make)
      if not ok then break end
      count = count + 1
    end
    task.sleep(0)
  end
  kept, group = nil, nil
  print(("%s at %d"):format(tostring(err), count))
  script.exit()
end)
END
}
count() { sed -n 's/.*not enough memory at //p' out; }
bounded() { # NAME MOST
  within "$1.lua"
  is "$1: the process goes on" "$status" 0
  expect "$1: too many raise" 'not enough memory at '
  if [ "$(count)" -lt "$2" ]; then ok "$1: the script is charged for each"; else not_ok "$1: the script is charged for each" "$(count)"; fi
}
charges() {
fill timers 'timer.after(1000, print)'
bounded timers 650000
fill gates 'kept[#kept + 1] = core.gate()'
bounded gates 600000
fill members 'group = group or core.group() group:add(t)'
bounded members 1400000

cat >bodies.lua <<'END'
local http, script, task = require "tidelock.http", require "tidelock.script", require "tidelock.task"
local server, env = require "tidelock.server", require "tidelock.env"
local app = server.listen("app", { port = tonumber(env.get("PORT")) })
app:get("/slow", function() task.sleep(1) return "late" end)
app:post("/slow", function() task.sleep(1) return "late" end)
script.on_start(function()
  local body, url = ("x"):rep(10000000), "http://127.0.0.1:" .. env.get("PORT") .. "/slow"
  local full, tasks = 0, {}
  for i = 1, 40 do
    tasks[i] = task.spawn(function()
      local _, err = http.post(url, { body = body })
      if err and err.code == "MEMORY" and err.sent == "no" then full = full + 1 end
    end)
  end
  for _, t in ipairs(tasks) do t:await() end
  print(full > 25 and full < 40 and "most refused" or full)
  local last, err = http.get(url)
  print(last and last.body or err.message)
  script.exit()
end)
END
PORT=$("$PYTHON" -c "import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(s.getsockname()[1])")
export PORT
within bodies.lua
is "bodies: the process goes on" "$status" 0
expect "bodies: what does not fit is MEMORY, not sent" 'most refused'
expect "bodies: what was charged is let go of" '^late$'
}
# The sanitizer needs more address space than these give.
ldd "$TIDELOCK" | grep -q libasan || charges

# --- states that a handler makes anew ------------------------------------------------------------
cat >flapping.lua <<'END'
local socket = require "tidelock.socket"
local chat = socket.connect("chat", { url = "ws://127.0.0.1:9" })
chat:on_state(function()
  chat:disconnect()
  chat:connect()
end)
END
cat >ticking.lua <<'END'
local script, timer = require "tidelock.script", require "tidelock.timer"
local count = 0
timer.every("tick", 0.05, function()
  count = count + 1
  if count == 20 then print "ticked" script.exit() end
end)
END
run_to run --memory --no-watch ticking.lua flapping.lua
is "states: a handler that connects at each leaves the others their turns" "$status" 0
expect "states: they go on" '^ticked$'

# --- turns that are stopped, one after the other --------------------------------------------------
cat >greedy.lua <<'END'
local store, timer = require "tidelock.store", require "tidelock.timer"
local s, on = store.define("s", { initial = { a = 0 } }), false
for i = 1, 20 do
  timer.every("t" .. i, 0.01, function() while true do pcall(function() while true do end end) end end)
  s:subscribe(function() while on do end return 1 end, print)
end
timer.every("t", 0.1, function()
  on = true
  s:set { a = timer.now() }
end)
END
sed -i 's/count == 20/count == 5/' ticking.lua
run_to run --memory --no-watch --turn-limit 0.3 ticking.lua greedy.lua
is "turns: however many never end, the others have theirs" "$status" 0
expect "turns: they are stopped" 'CPU_LIMIT'
expect "turns: the others go on" '^ticked$'

cat >deep.lua <<'END'
local script = require "tidelock.script"
local function down() return 1 + down() end
script.on_start(function()
  print(xpcall(down, function() return down() end))
  down()
end)
END
cat >deep_late.lua <<'END'
local script, task = require "tidelock.script", require "tidelock.task"
script.on_start(function()
  local function down() return 1 + down() end
  local t = task.spawn(function() while true do pcall(down) end end)
  pcall(t.await, t)
  print(os.clock() < 3 and "in time" or os.clock())
end)
END
run_to run --memory --no-watch deep_late.lua
expect "depth: a turn that nests deeply and is late is stopped as soon as any" '^in time$'
run_to run --memory --no-watch --turn-limit 10 deep.lua
is "depth: what nobody caught ends the run" "$status" 1
expect "depth: an error handler that nests without end" '^false'
expect "depth: is told as what it is, not as a turn that took too long" 'error in on_start: .*stack overflow'
finish
