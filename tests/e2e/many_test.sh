#!/usr/bin/env bash
# Many of a kind cost what they are, and not their square: each limit is far above what they take, and
# far below what they took when each looked at all the others.
. "$(dirname "$0")/run.bash"
cat >many.lua <<'LUA'
local script, task, timer = require "tidelock.script", require "tidelock.task", require "tidelock.timer"
local socket, store = require "tidelock.socket", require "tidelock.store"
local N <const> = 40000
local function within(limit, name, f)
  local began = timer.now()
  f()
  local took = timer.now() - began
  print((took < limit and "ok " or "not ok ") .. name .. (took < limit and "" or (" %.1f s"):format(took)))
  task.sleep(0)
end
local function off(list) return function() for i = 1, #list do list[i]:off() end end end
local function each(f) for i = 1, N do f(i) end end
script.on_start(function()
  local named = {}
  each(function(i) named[i] = timer.every("t" .. i, 60, print) end)
  task.sleep(0)
  within(2, "named timers are stopped", function() each(function(i) named[i]:stop() end) end)
  within(2, "and declared again", function() each(function(i) named[i] = timer.every("t" .. i, 60, print) end) end)
  within(2, "one comes and goes beside them", function()
    for _ = 1, N / 4 do timer.every("one", 60, print):stop() end
  end)
  local attached = {}
  within(2, "attaching to names that there are not", function()
    each(function(i) attached[i] = socket.attach("nobody:c" .. i) end)
  end)
  within(2, "declaring beside them", function() for i = 1, N / 4 do timer.every("z" .. i, 60, print) end end)
  local c, list = socket.connect("c", { url = "ws://127.0.0.1:1", auto_connect = false }), {}
  each(function(i) list[i] = c:on("e" .. i, print) end)
  within(2, "handlers go one by one", off(list))
  each(function(i) list[i] = c:on("e" .. i, print) end)
  within(2, "and by their event", function() each(function(i) c:off("e" .. i) end) end)
  each(function(i) list[i] = c:on_state(print) end)
  within(2, "those of one event too", off(list))
  local s, subscriptions = store.define("s", { initial = { v = 0 } }), {}
  within(2, "subscribing", function() each(function(i) subscriptions[i] = s:subscribe("v", print) end) end)
  within(2, "and no longer", off(subscriptions))
  local tasks = {}
  each(function(i) tasks[i] = task.spawn(task.sleep, 100) end)
  task.sleep(0)
  within(2, "tasks are cancelled", function() each(function(i) tasks[i]:cancel() end) end)
  script.exit()
end)
LUA
"$TIDELOCK" run many.lua --memory --no-watch 2>err
cat >connections.lua <<'LUA'
local script, task, timer = require "tidelock.script", require "tidelock.task", require "tidelock.timer"
local socket = require "tidelock.socket"
script.on_start(function()
  local function within(limit, name, f)
    local began = timer.now()
    f()
    local took = timer.now() - began
    print((took < limit and "ok " or "not ok ") .. name .. (took < limit and "" or (" %.1f s"):format(took)))
  end
  local function parts(f) -- of what one turn may be too short for
    for i = 1, 20000 do
      f(i)
      if i % 1000 == 0 then task.sleep(0) end
    end
  end
  local function connections(name, options)
    local some, id = {}, name:gsub(" ", "_")
    within(5, "connections " .. name, function()
      parts(function(i) some[i] = socket.connect(id .. i, options(i)) end)
    end)
    within(5, "and closed", function() parts(function(i) some[i]:disconnect() end) end)
  end
  local url <const> = "http://127.0.0.1:1"
  connections("with a namespace each", function(i) return { url = url, namespace = "/n" .. i, auto_connect = false } end)
  connections("live", function(i) return { url = url, namespace = "/l" .. i, reconnect = { delay = 60, max_delay = 60 } } end)
  connections("with a query each", function(i) return { url = url, query = { q = i }, auto_connect = false } end)
  connections("to one place", function() return { url = url, auto_connect = false } end)
  connections("to hosts of their own", function(i) return { url = "http://h" .. i .. ".test", auto_connect = false } end)
  script.exit()
end)
LUA
"$TIDELOCK" run connections.lua --memory --no-watch --log off
cat >keep.lua <<'LUA'
local script = require "tidelock.script"
require("tidelock.timer").every("hold", 60, print)
script.on_start(function(reason)
  local keep = script.keep
  if reason == "start" then
    for i = 1, 100000 do keep["key" .. i] = i end
    return script.reload()
  end
  local count = 0
  for _ in pairs(keep) do count = count + 1 end
  print("kept " .. count)
  script.exit()
end)
LUA
run_to run keep.lua --memory --no-watch
expect "100,000 kept keys are carried over" '^kept 100000$'
mark=1
seen 'pause [0-9.]+ ms'
pause=${line##*pause }
pause=${pause%%.*}
if [ "$pause" -lt 4000 ]; then ok "in a moment"; else not_ok "in a moment" "$pause ms"; fi
finish
