#!/usr/bin/env bash
# Queries over reloads and restarts: what is known is kept, and a fetch under way is never lost.
. "$(dirname "$0")/run.bash" || exit 1

serve <<'LUA'
local count = 0
web:get("/list", function(req)
  count = count + 1
  local mine = count
  task.sleep(tonumber(req.query.delay or 0))
  return { "item " .. mine }
end)
LUA

cat >bot.lua <<'LUA'
local env, http, query = require "tidelock.env", require "tidelock.http", require "tidelock.query"
local script, timer = require "tidelock.script", require "tidelock.timer"
local version = "one"
local delay, grace, schema = 0, 2, 1
script.grace(grace)
local list = query.define("list", {
  stale_time = 1000, persist = true, version = schema, retry = 0,
  migrate = schema == 3 and function(data) data[1] = data[1] .. " migrated" return data end or nil,
  fetch = function()
    return http.get(env.get "WS_URL" .. "/list", { value = true, query = { delay = delay } })
  end,
})
list:subscribe(1, function(new, old) print("heard", version, old, new) end)
timer.every("hold", 60, print)
script.on_start(function(reason)
  print("start", version, reason, list:peek(1))
  print("got", version, list:get(1))
  if delay == 0 then return end
  list:invalidate()
  print("late", version, list:get(1))
end)
LUA
change() { # NAME=VALUE...: in the first lines of the script
  cp bot.lua bot.new
  "$PYTHON" - "$@" <<'PY'
import re, sys
text = open("bot.new").read()
for pair in sys.argv[1:]:
    name, value = pair.split("=")
    if name == "version":
        text = re.sub(r'local version = "\w+"', 'local version = "%s"' % value, text)
    else:
        names = ["delay", "grace", "schema"]
        def put(match):
            values = [v.strip() for v in match[1].split(",")]
            values[names.index(name)] = value
            return "local delay, grace, schema = " + ", ".join(values)
        text = re.sub(r"local delay, grace, schema = (.*)", put, text)
open("bot.new", "w").write(text)
PY
  mv bot.new bot.lua
}

# --- a reload -------------------------------------------------------------------------------
start run --data kept bot.lua
expect "there is nothing at first" '^start	one	start	nil$'
expect "a subscription of the top level is an observer" '^(heard	one	nil	item 1|got	one	item 1)$'
expect "and one request is enough for both" '^(heard	one	nil	item 1|got	one	item 1)$'
change version=two
expect "a reload keeps the data" '^start	two	reload	item 1$'
expect "which is fresh still" '^got	two	item 1$'

# --- a fetch under way ----------------------------------------------------------------------
change version=three delay=1
expect "a reload" '^got	three	item 1$'
change version=four
expect "the answer of the old version's fetch is taken" '^heard	four	item 1	item 2$'
expect "a waiter of the new version gets it, without a request of its own" '^got	four	item 2$'
seen '^late	four	item 3$' || not_ok "one request each" "no item 3"
change version=five delay=3 grace=0.2
expect "a fetch that is slower than its version's grace" '^got	five	item 3$'
change version=six delay=0.1
expect "is asked for by the new version" '^heard	six	item 3	item 5$'
expect "which waits for it" '^got	six	item 5$'
expect "and goes on" '^late	six	item 6$'
stop

# --- a restart ------------------------------------------------------------------------------
change delay=0 version=seven
start run --data kept bot.lua
expect "what is kept is there after a restart" '^start	seven	start	item 6$'
expect "and is fresh still" '^got	seven	item 6$'
stop
sed -i 's/stale_time = 1000/stale_time = 0/; s/"seven"/"eight"/' bot.lua
start run --data kept bot.lua
expect "it is shown while it is asked for" '^start	eight	start	item 6$'
expect "and replaced" '^heard	eight	item 6	item 7$'
stop
sed -i 's/stale_time = 0/stale_time = 1000/' bot.lua
cp bot.lua plain.lua
sed -i 's/^script.on_start/list:subscribe(print)\nscript.on_start/; s/list:subscribe(1.*//' bot.lua
sed -i 's/print("got", version, list:get(1))/list:invalidate() print "invalid" script.exit()/' bot.lua
sed -i 's/^list:subscribe(print)$//' bot.lua
run_to run --data kept bot.lua
is "an invalidation" "$(grep -c '^invalid$' out)" 1
cp plain.lua bot.lua
start run --data kept bot.lua
expect "is not lost over a restart" '^start	eight	start	item 7$'
expect "it is asked for" '^heard	eight	item 7	item 8$'
stop

# --- versions -------------------------------------------------------------------------------
change schema=3 version=nine
start run --data kept bot.lua
expect "data of another version is migrated" '^start	nine	start	item 8 migrated$'
stop
change schema=4 version=ten
start run --data kept bot.lua
expect "or asked for anew, without a function for that" '^start	ten	start	nil$'
expect "as if it had not been kept" '^got	ten	item 9$'
stop
finish
