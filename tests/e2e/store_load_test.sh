#!/usr/bin/env bash
# store:load: what is kept is read while a script waits for it, and nobody is held up.
. "$(dirname "$0")/helpers.bash"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/s.lua" <<'END_OF_SCRIPT'
local script, store, timer = require "tidelock.script", require "tidelock.store", require "tidelock.timer"
local task, json = require "tidelock.task", require "tidelock.json"
local s = store.define("s", {
  initial = { messages = json.array {}, sessions = json.object {}, n = 0 },
  persist = { "messages", "sessions", "n" },
})
local mode = script.args[1]
local function text(i) return { id = i, text = ("word "):rep(20) } end

local function fill()
  s:change(function(d)
    for i = 1, 30000 do d.messages[i] = text(i) end
    for i = 1, 5 do
      local list = json.array {}
      for k = 1, 100 do list[k] = text(k) end
      d.sessions["s" .. i] = list
    end
    d.n = 1
  end)
end

local function load()
  print("in change", pcall(s.change, s, function() s:load("messages") end))
  local before, ticks = s:get("messages"), 0
  local ticker = timer.every(0.001, function() ticks = ticks + 1 end)
  local lists = task.all {
    function() return s:load("messages") end,
    function() return s:load("messages", 7, "id") end,
  }
  ticker:stop()
  print("loaded", #lists[1], lists[2], lists[1] == before, ticks > 3)
  print("again", #s:load("messages"), s:load("n"), s:load("nothing", 3, "below"))
  local sessions = s:load("sessions")
  print("sessions", #sessions.s1, #sessions.s5, sessions.s3[100].id)
  print("misuse", pcall(s.load, s, true))
end

local function cancel()
  local waiting = task.spawn(function() s:load("messages") end)
  task.sleep(0)
  waiting:cancel()
  print("cancelled", pcall(waiting.await, waiting))
  print("count", #s:get("messages"))
end

local function stop()
  task.spawn(function() s:load("messages") end)
  task.sleep(0)
  script.exit(0)
end

script.on_start(({ fill = fill, load = load, cancel = cancel, stop = stop })[mode])
END_OF_SCRIPT
run() { seen=$(timeout 30 "$TIDELOCK" run "$work/s.lua" --data "$work/d" --no-watch -- "$@" 2>&1); status=$?; }
run fill
run load
check "waiting is refused inside a change" has "store:load"
check "a wait gives what is stored, the same view, while timers run" has "loaded	30000	7	true	true"
check "what is there is there at once" has "again	30000	1	nil"
check "what is below is read too" has "sessions	100	100	100"
check "a path is keys" has "strings or indexes"
run cancel
check "a wait is cancelled" has "cancelled	false"
check "and what it waited for can still be read" has "count	30000"
run stop
check "a program ends while one waits" [ "$status" = 0 ]
exit $bad
