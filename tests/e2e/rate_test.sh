#!/usr/bin/env bash
# Limiters with a name, over a reload: due time, tokens and plain arguments are kept.
. "$(dirname "$0")/run.bash" || exit 1

cat >bot.lua <<'LUA'
local rate, script, task = require "tidelock.rate", require "tidelock.script", require "tidelock.task"
local version = "one"
local timer = require "tidelock.timer"
local plain = rate.debounce(function(x, y)
  print("plain by", version, x, y and y.key, ("%.1f"):format(timer.now() - x))
  return version .. " ran", y
end, 1.5, { name = "plain" })
local handle = rate.debounce(function(f)
  print("handle by", version, f())
  return version
end, 60, { name = "handle" })
local odd = rate.throttle(function(x)
  print("odd by", version, x)
  return print
end, 1.5, { name = "odd", leading = false })
local failing = rate.debounce(function() error(version .. " fails", 0) end, 1.5, { name = "failing" })
local bucket = rate.bucket { name = "bucket", rate = 0.001, burst = 3 }
timer.every("hold", 60, print)
script.on_start(function(reason)
  bucket:take()
  print("start", reason, version, math.floor(bucket:tokens_left() + 0.5))
  if reason == "reload" then return end
  local from = timer.now()
  for i = 1, 2 do
    task.spawn(function()
      local text, value = plain:call(from, { key = "value" })
      print("waiter " .. i, text, value and value.key)
    end)
  end
  task.spawn(function() print("handle waiter", handle:call(function() return "called" end)) end)
  task.spawn(function() print("odd waiter", select(2, odd:call(7)).code) end)
  task.spawn(function() print("failing waiter", pcall(failing.call, failing)) end)
  plain(from, { key = "value" })
end)
LUA

start run bot.lua
expect "a script starts" '^start	start	one	2$'
sed -i 's/x = = 1//' bot.lua
echo 'x = = 1' >>bot.lua
expect "a load that fails" 'ERROR bot: bot.lua:[0-9]+: .*unexpected symbol'
sed -i -e '$d' -e 's/version = "one"/version = "two"/' bot.lua
expect "a reload keeps the tokens" '^start	reload	two	1$'
expect "the last that waits hears of it" '^failing waiter	false	two fails$'
sleep_until() { seen "$1" || true; }
mark=1 && sleep_until '^odd waiter'
mark=1 && sleep_until '^waiter 1'
stop
told() { # NAME PATTERN: in one line, wherever it stands
  is "$1" "$(grep -cE -e "$2" out)" 1
}
told "arguments that are not plain are run at the swap, by the old version" '^handle by	one	called$'
told "who waits for that gets its result" '^handle waiter	one$'
told "plain ones by the new version, once, when they were due" '^plain by	two	.*value	1\.[5-9]$'
told "who waits gets the new version's result" '^waiter 1	two ran	value$'
told "each of them" '^waiter 2	two ran	value$'
told "one whose result is not plain data" '^odd by	two	7$'
told "is RELOADED for those who wait" '^odd waiter	RELOADED$'
told "an error reaches them too" '^failing waiter	false	two fails$'
is "no other version ran it" "$(grep -c '^plain by' out)" 1
is "an error that was heard is not reported" "$(grep -c 'ERROR bot: error in' out)" 0

# --- a name that is declared no more ---------------------------------------------------------
cat >gone.lua <<'LUA'
local rate, script, task = require "tidelock.rate", require "tidelock.script", require "tidelock.task"
local timer = require "tidelock.timer"
script.grace(0.3)
timer.every("hold", 60, print)
local d = rate.debounce(print, 60, { name = "d" })
script.on_start(function()
  print "begun"
  task.spawn(function()
    print("waiter", pcall(d.call, d, 1))
  end)
end)
LUA
start run gone.lua
expect "it waits" '^begun$'
sed -i -e '/debounce/d' -e '/on_start/,$d' gone.lua
expect "who waits when the grace is over" '^waiter	false	RELOADED'
stop

# --- a name that is another kind of limiter now ------------------------------------------------
# The pending call runs at the swap in the old version, and who waits there hears of it.
cat >kinds.lua <<'LUA'
local rate, script, task = require "tidelock.rate", require "tidelock.script", require "tidelock.task"
local timer = require "tidelock.timer"
timer.every("hold", 60, print)
local function ran(name) return function(x) print("ran", name, x) return name .. " ran" end end
local limited = {
  throttled = rate.debounce(ran "throttled", 60, { name = "throttled" }),
  filled = rate.throttle(ran "filled", 60, { name = "filled", leading = false }),
  idle = rate.debounce(ran "idle", 60, { name = "idle" }),
}
local bucket = rate.bucket { rate = 0.001, burst = 5, name = "bucket" }
script.on_start(function()
  bucket:take(3)
  for name, f in pairs(limited) do
    task.spawn(function() print("waiter of " .. name, f:call(7)) end)
  end
  task.sleep(0.05)
  print "begun"
end)
LUA
start run kinds.lua
expect "limiters of some kinds" '^begun$'
cat >kinds.lua <<'LUA'
local rate, script = require "tidelock.rate", require "tidelock.script"
require("tidelock.timer").every("hold", 60, print)
rate.throttle(print, 60, { name = "throttled" })
local bucket = rate.bucket { rate = 1, burst = 2, name = "filled" }
rate.frame(print, { name = "idle" })
local left = rate.debounce(print, 60, { name = "bucket" })
script.on_start(function(reason) print("swapped", reason, bucket:tokens_left(), left:pending()) end)
LUA
expect "become others" '^swapped	reload	2(\.0)?	false$'
for name in throttled filled idle; do mark=1 && sleep_until "^waiter of $name"; done
stop
for name in throttled filled idle; do
  told "$name: the pending call runs" "^ran	$name	7\$"
  told "$name: who waits hears of it" "^waiter of $name	$name ran\$"
done
is "nothing of it is an error" "$(grep -cE '(ERROR|WARN) ' out)" 0

# --- an old version that cannot tell what it holds ---------------------------------------------
cat >mute.lua <<'LUA'
local core, script = require "tidelock.rate.core", require "tidelock.script"
require("tidelock.timer").every("hold", 60, print)
local function none() end
core.declare("mute", "debounce", function() error "cannot tell" end, none, none, none)
script.on_start(function() print "begun" end)
LUA
start run mute.lua
expect "it begins" '^begun$'
cat >mute.lua <<'LUA'
local rate, script = require "tidelock.rate", require "tidelock.script"
require("tidelock.timer").every("hold", 60, print)
rate.debounce(print, 1, { name = "mute" })
script.on_start(function(reason) print("mended", reason) end)
LUA
expect "the error of the old version is logged" 'ERROR mute: .*cannot tell'
expect "and the new one begins all the same" '^mended	reload$'
stop

# --- a semaphore ---------------------------------------------------------------------------------
semaphore() { # VERSION COUNT
  cat <<LUA
local rate, script, task, timer = require "tidelock.rate", require "tidelock.script", require "tidelock.task", require "tidelock.timer"
script.grace(4)
timer.every("hold", 60, print)
local gate = rate.semaphore($2, { name = "gate" })
local function say(...) print("$1", ...) end
script.on_start(function(reason)
  say("start", reason, gate:available())
  if "$1" == "one" then
    task.spawn(function() say("held", gate:with(function() task.sleep(2.5) return "given back" end)) end)
    task.spawn(function() gate:acquire() say("keeps") task.sleep(60) end)
    task.sleep(0.05)
    task.spawn(function() local ok, err = gate:acquire() say("in line", ok, err.code) end)
    task.spawn(function()
      local ok, err
      repeat task.sleep(0.02) ok, err = gate:acquire(0) until ok or err.code ~= "TIMEOUT"
      say("later", ok, err and err.code)
    end)
    task.sleep(0.1)
    say("ready", gate:available(), gate:waiting())
    return
  end
  if reason ~= "reload" or "$1" == "four" then return end
  local begun = timer.now()
  for i = 1, 2 do
    task.spawn(function()
      gate:acquire()
      say("in", i, ("%.1f"):format(timer.now() - begun))
      gate:release()
      gate:acquire()
      say("again", i, ("%.1f"):format(timer.now() - begun))
    end)
  end
end)
LUA
}
semaphore one 2 | save gate.lua
start run gate.lua
expect "a semaphore with a name" '^one	ready	0	1$'
echo 'x = = 1' >>gate.lua
expect "a load that fails" 'ERROR gate: .*unexpected symbol'
semaphore two 2 | save gate.lua
expect "what the old version holds counts in the new one" '^two	start	reload	0$'
expect "who waits there hears of it" '^one	in line	nil	RELOADED$'
expect "and who asks there later" '^one	later	nil	RELOADED$'
expect "what an old task gives back lets a new one in" '^two	in	1	[012]\.[1-9]$'
mark=1 && expect "the old task ends as it would" '^one	held	given back$'
mark=1 && expect "what it held when it was cut is free again" '^two	again	2	[34]\.'
semaphore three 3 | save gate.lua
expect "another count" '^three	start	reload	1$'
semaphore four 1 | save gate.lua
expect "a smaller one" '^four	start	reload	0$'
stop
is "nothing of it is an error" "$(grep -E '(ERROR) ' out | grep -vc 'unexpected symbol')" 0

finish
