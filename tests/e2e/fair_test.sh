#!/usr/bin/env bash
# However much a script has to do, and in however many pieces: the others have turns between.
. "$(dirname "$0")/run.bash" || exit 1
cat >good.lua <<'LUA'
local script, timer = require "tidelock.script", require "tidelock.timer"
local last, worst = timer.now(), 0
timer.every(0.02, function()
  worst, last = math.max(worst, timer.now() - last), timer.now()
end)
timer.after(4, function()
  print(worst < 2.5 and "in time" or ("waited for %.1f s"):format(worst))
  script.exit()
end)
LUA
spend='local function spend(s) local from = os.clock() repeat until os.clock() - from > s end'
beside() { # WHAT
  { echo "$spend"; cat; } >hog.lua
  run_to run --memory --no-watch good.lua hog.lua
  is "$1" "$status $(grep -vE '^20' out | head -3)" "0 in time"
}
beside "many timers, each of a tenth of a second" <<'LUA'
for _ = 1, 70 do require("tidelock.timer").every(0.002, function() spend(0.1) end) end
LUA
beside "ten thousand short tasks, queued at once" <<'LUA'
local task = require "tidelock.task"
require("tidelock.script").on_start(function()
  for _ = 1, 10000 do task.spawn(spend, 0.003) end
end)
LUA
beside "tasks that never stop giving way" <<'LUA'
local task = require "tidelock.task"
require("tidelock.script").on_start(function()
  for _ = 1, 2000 do
    task.spawn(function() while true do spend(0.004) task.sleep(0) end end)
  end
end)
LUA

# --- what gives way keeps its order ---------------------------------------------------------
cat >order.lua <<'LUA'
local script, task = require "tidelock.script", require "tidelock.task"
script.on_start(function()
  local seen = {}
  for i = 1, 400 do
    task.spawn(function(n)
      local from = os.clock()
      repeat until os.clock() - from > 0.001
      seen[#seen + 1] = n
      if n < 400 then return end
      for k = 1, 400 do if seen[k] ~= k then return print("out of order", k, seen[k]) end end
      print "in order"
      script.exit()
    end, i)
  end
end)
LUA
run_to run --memory --no-watch order.lua good.lua
is "a script that gives way goes on in its own order" "$(cat out)" "in order"

# --- the end waits for none of them -----------------------------------------------------------
cat >much.lua <<'LUA'
local script, task = require "tidelock.script", require "tidelock.task"
script.on_start(function()
  for _ = 1, 3000 do
    task.spawn(function()
      while true do
        local from = os.clock()
        repeat until os.clock() - from > 0.003
        task.sleep(0)
      end
    end)
  end
  print "begun"
  task.sleep(0)
  script.exit(5)
end)
script.on_stop(function() print "stopped" end)
LUA
run_to run --memory --no-watch much.lua
is "what is queued does not keep on_stop from its turn" "$status $(tail -1 out)" "5 stopped"
cat >late.lua <<'LUA'
local script, timer = require "tidelock.script", require "tidelock.timer"
for _ = 1, 20 do timer.every(0.01, function() end) end
script.on_start(function() script.exit() end)
script.on_stop(function() while true do pcall(function() repeat until false end) end end)
LUA
run_to run --memory --no-watch --stop-timeout 1 --turn-limit 5 late.lua good.lua
is "what the end stops is told once, and why" "$(grep -c 'ERROR.*the program ends, and the time for that is over' out)" 1
is "in words" "$(grep -c 'cannot be shown' out)" 0
is "and is no failure of the run" "$status" 0

# --- a save while all is busy -----------------------------------------------------------------
busy() { # VERSION WHAT
  save busy.lua <<LUA
local script, task, timer = require "tidelock.script", require "tidelock.task", require "tidelock.timer"
script.grace(0.5)
for _ = 1, 10 do
  timer.every(0.1, function()
    local from = os.clock()
    repeat until os.clock() - from > 0.02
  end)
end
script.on_start(function() $2 print "version $1" end)
LUA
}
busy 1 'local begun = 0
for i = 1, 100 do
  task.spawn(function()
    begun = begun + 1
    if begun == 100 then print "all begun" end
    pcall(function()
      if i > 50 then task.sleep(100) end
      while true do task.sleep(0) end
    end)
    print "cleaned up"
  end)
end'
sed -i 's/after(4/after(60/' good.lua
start run --memory good.lua busy.lua
expect "a busy script starts" '^all begun$'
busy 2 ''
expect "the next version takes over" '^version 2$'
for _ in {1..60}; do [ "$(grep -c '^cleaned up' out)" -ge 100 ] || sleep 0.1; done
is "what did not end in time was stopped, and cleaned up: all of it" "$(grep -c '^cleaned up' out)" 100
stop
finish
