#!/usr/bin/env bash
# Event streams over reloads, restarts and Ctrl-C, from tests/peer/events_server.js.
. "$(dirname "$0")/run.bash" || exit 1
coproc PEER { exec node "$ROOT/tests/peer/events_server.js" 2>&1; }
read -r -t 20 word port <&"${PEER[0]}"
[ "$word" = PORT ] || { echo "not ok the peer starts: $word $port"; exit 1; }
export BASE=http://127.0.0.1:$port
# asked NAME: how often the path of that name was asked for, and with which last ids.
asked() {
  cat >asked.lua <<LUA
local http, script = require "tidelock.http", require "tidelock.script"
script.on_start(function()
  local all = {}
  for i, one in ipairs(http.get("$BASE/state/$1"):json().served) do all[i] = one.id or "-" end
  print(table.concat(all, " "))
  script.exit(0)
end)
LUA
  "$TIDELOCK" run --plain --memory --no-watch asked.lua 2>&1
}
# in_order PREFIX: the numbers in out behind it rise by one, each once.
in_order() { # NAME PATTERN
  local numbers first last
  numbers=$(sed -nE "s/^$2 n([0-9]+)\$/\\2/p" out)
  first=$(head -n 1 <<<"$numbers") last=$(tail -n 1 <<<"$numbers")
  is "$1" "$(tr '\n' ' ' <<<"$numbers")" "$(seq -s ' ' "$first" "$last") "
}

# --- declared: over reloads ------------------------------------------------------------------
declared() { # TEXT URL MORE
  cat <<LUA
local http, env = require "tidelock.http", require "tidelock.env"
local news = http.events("news", env.get "BASE" .. "/$2", { reconnect = { delay = 0.01 }${3-} })
print("loads $1", http.last_id "news" or "none")
news:on(function(event) print("$1 " .. event.data) end)
news:on_state(function(name, info) print("is " .. name .. " " .. tostring(info.error or "")) end)
LUA
}
declared one ticks/d1 | save bot.lua
start run --memory bot.lua
expect "at first there is no last id" '^loads one	none$'
expect "it connects" '^is connected'
expect "and hears" '^one n5$'
declared two ticks/d1 | save bot.lua
expect "the last id is known to the new generation" '^loads two	[0-9]+$'
expect "which goes on" '^two n[0-9]+$'
echo 'this is not Lua' | save bot.lua
expect "a load that fails" 'the reload is given up'
expect "leaves it" '^two n[0-9]+$'
declared three ticks/d1 | save bot.lua
expect "goes on again" '^three n[0-9]+$'
never "the connection stays" '^is (re)?connect'
in_order "each event is delivered once, in order" '(one|two|three)'
is "over one connection" "$(asked d1)" "-"
declared four ticks/d1 ', headers = { X = "1" }' | save bot.lua
expect "other options connect anew" '^four n[0-9]+$'
[[ "$(asked d1)" =~ ^-\ [0-9]+$ ]] && ok "after the last id" || not_ok "after the last id" "$(asked d1)"
in_order "and nothing is lost or doubled" '(one|two|three|four)'
declared five ticks/d2 | save bot.lua
expect "another URL is another stream" '^five n1$'
is "without the id of the first" "$(asked d2)" "-"
echo 'print "none"' | save bot.lua
expect "no longer declared, it is closed" 'events news is closed: the script no longer declares it'
stop

# --- of a client with middleware: it stays, too --------------------------------------------------
of_client() { # TEXT
  cat <<LUA
local http, env = require "tidelock.http", require "tidelock.env"
$2local api = http.client { base_url = env.get "BASE", headers = { X = "1" }, refused = function() return true end }
api:use(function(req, next) return next(req) end)
local news = api:events("news", "/ticks/m1", { json = { list = { 1, 2 } } })
news:on(function(event) print("$1 " .. event.data) end)
LUA
}
of_client one "" | save bot.lua
start run --memory bot.lua
expect "a client's stream" '^one n5$'
of_client two "-- another line
" | save bot.lua
expect "stays over a reload" '^two n[0-9]+$'
in_order "in order" '(one|two)'
is "with its connection" "$(asked m1)" "-"
stop

# --- a reload while it connects, waits, and is over --------------------------------------------
declared one hang/d3 | save bot.lua
start run --memory bot.lua
expect "connecting" '^is connecting'
declared two hang/d3 | save bot.lua
expect "a reload meanwhile" '^loads two'
declared three ticks/d4 | save bot.lua
expect "and another URL at once" '^three n1$'
stop
cat >refused.lua <<'LUA'
local http, timer = require "tidelock.http", require "tidelock.timer"
local news = http.events("news", "http://127.0.0.1:1/", { reconnect = { delay = 0.05, max_delay = 0.05, attempts = 4 } })
news:on_state(function(name, info) print(name, info.attempt or 0, info.error and info.error.code) end)
timer.every("alive", 0.2, function() end)
LUA
start run --memory refused.lua
expect "failures are counted" '^reconnecting	4	CONNECT$'
expect "until there is no attempt left: told" 'ERROR refused: events news: CONNECT: .*; not tried again'
expect "to the handlers too" '^closed	0	CONNECT$'
stop
declared one bom/d5 | save bot.lua
run_to run --memory --no-watch bot.lua
is "204 ends it, and nothing holds the process" "$status" 0
seen '^is closed $' && ok "as closed, without an error" || not_ok "as closed, without an error"
declared one type/d6/text-plain | save bot.lua
run_to run --memory --no-watch bot.lua
seen '^is closed DECODE: ' && ok "another type is an error" || not_ok "another type is an error"

# --- handlers ---------------------------------------------------------------------------------
cat >slow.lua <<'LUA'
local http, env, script, task = require "tidelock.http", require "tidelock.env", require "tidelock.script", require "tidelock.task"
local news = http.events("news", env.get "BASE" .. "/pour/slow")
local count, most, running = 0, 0, 0
news:on(function()
  count, running = count + 1, running + 1
  most = math.max(most, running)
  task.sleep(0.3)
  running = running - 1
end)
script.on_start(function()
  task.sleep(1)
  local written = http.get(env.get "BASE" .. "/state/slow"):json().served[1].written
  print("most " .. most, "behind " .. tostring(written - count < 20000))
  news:off()
  news:close()
  print(news:last_id(), pcall(news.on, news, function() end))
end)
LUA
start run --memory --no-watch slow.lua
expect "handlers are bounded, and then the server has to wait" '^most 1000	behind true$'
stop

# --- the loop is cut at the swap ------------------------------------------------------------------
looping() { # TEXT URL
  cat <<LUA
local http, env, script, task = require "tidelock.http", require "tidelock.env", require "tidelock.script", require "tidelock.task"
print("loads $1", http.last_id "loop" or "none")
script.on_start(function()
  local ok, err = pcall(function()
    for event in http.events(env.get "BASE" .. "/$2", { name = "loop", last_id = http.last_id "loop", reconnect = { delay = 60 } }) do
      print("$1 " .. event.data)
    end
  end)
  print("over $1", tostring(err))
end)
LUA
}
looping one ticks/l1 | save bot.lua
start run --memory bot.lua
expect "a loop" '^one n5$'
looping two ticks/l1 | save bot.lua
expect "is cut" '^over one	RELOADED: '
expect "the new one" '^two n[0-9]+$'
never "the old one reads no more" '^one n'
in_order "goes on by last_id" '(one|two)'
[[ "$(asked l1)" =~ ^-\ [0-9]+$ ]] && ok "once connected each" || not_ok "once connected each" "$(asked l1)"
cat <<'LUA' | save bot.lua
local http, env, script, task = require "tidelock.http", require "tidelock.env", require "tidelock.script", require "tidelock.task"
script.on_start(function()
  for event in http.events(env.get "BASE" .. "/ticks/l5") do
    print("busy " .. event.data)
    task.sleep(0.5)
  end
end)
LUA
expect "a loop that is busy with an event" '^busy n1$'
echo 'require "tidelock.timer".after(0.7, function() print "later" end)' | save bot.lua
expect "at a swap" '^later$'
is "is cut when it comes back" "$(grep -c ^busy out)" 1
is "which is no error of the script" "$(grep -c ' ERROR ' out)" 0
for wait in hang/l2 silent/l3 status/l4/503/9; do
  looping "a$wait" $wait | save bot.lua
  seen "^loads a$wait" || not_ok "$wait loads"
  until [ "$(asked "$(cut -d/ -f2 <<<$wait)")" ]; do :; done
  SECONDS=0
  looping "b$wait" $wait | save bot.lua
  expect "cut while it waits: $wait" "^over a$wait	RELOADED: "
  [ $SECONDS -lt 4 ] && ok "at the swap, not after the grace: $wait" || not_ok "at the swap: $wait" "$SECONDS s"
done
stop

# --- over restarts ---------------------------------------------------------------------------------
kept() { # TEXT HOW
  cat <<LUA
local http, env, script = require "tidelock.http", require "tidelock.env", require "tidelock.script"
local count = 0
local news = http.events("news", env.get "BASE" .. "/ticks/k1", { persist = true })
news:on(function(event)
  print("$1 " .. event.data)
  count = count + 1
  if count == 5 then script.exit(0) end
end)
LUA
}
for run in one two three; do
  kept $run | save kept.lua
  run_to run --no-watch --data data kept.lua
  cat out >>kept.out
done
cp kept.out out
in_order "the last id is kept over restarts" '(one|two|three)'
[[ "$(asked k1)" =~ ^-\ [0-9]+\ [0-9]+$ ]] && ok "and sent at the start" || not_ok "and sent at the start" "$(asked k1)"
sed s/k1/k2/ kept.lua >memory.lua
for _ in one two; do run_to run --no-watch --memory memory.lua; done
is "not with --memory" "$(asked k2)" "- -"
sed s/k1/k3/ kept.lua | save kept.lua
run_to run --no-watch --data data kept.lua
is "the id of another URL is not sent" "$(asked k3)" "-"

# --- Ctrl-C within each wait -------------------------------------------------------------------------
for kind in hang silent status/x/503/99 ticks pour; do
  for form in declared looping; do
    name=c${kind%%/*}$form
    url=${kind/\/x\//\/$name\/}
    [ "$url" != "$kind" ] || url=$kind/$name
    $form x "$url" | save bot.lua
    start run --memory --no-watch bot.lua
    until [ "$(asked "$name")" ]; do :; done
    SECONDS=0
    kill -INT "$pid"
    ended
    [ "$status" = 130 ] && [ $SECONDS -le 3 ] && ok "Ctrl-C: $kind $form" ||
      not_ok "Ctrl-C: $kind $form" "status $status after $SECONDS s"
  done
done

# --- mistakes -----------------------------------------------------------------------------------------
mistake() { # NAME CALL PATTERN
  echo "local http = require 'tidelock.http'; $2" >wrong.lua
  run_to run --memory --no-watch wrong.lua
  seen "$3" && ok "$1" || not_ok "$1" "$(head -3 out)"
}
mistake "an unknown option" 'http.events("n", "http://x", { lastid = "1" })' "events has no option 'lastid' \(did you mean \"last_id\"\?\)"
mistake "a name that is none" 'http.events("a b", "http://x")' 'events name "a b": a name is made of'
mistake "a name twice" 'http.events("a", "http://x"); http.events("a", "http://x")' 'events "a" is declared twice'
mistake "expect" 'http.events("a", "http://x", { expect = 200 })' "events has no option 'expect'"
mistake "reconnect" 'http.events("a", "http://x", { reconnect = { delay = -1 } })' 'reconnect.delay'
mistake "reconnect = true" 'http.events("a", "http://x", { reconnect = true })' 'reconnect must be a table, or false'
mistake "last_id" 'http.events("a", "http://x", { last_id = "a\nb" })' 'last_id holds a line break'
mistake "max_event" 'http.events("a", "http://x", { max_event = 0 })' 'max_event'
mistake "headers: at the line of the call" 'http.events("a", "http://x", { headers = { "x" } })' 'wrong.lua:1: http: headers are named by strings'
mistake "a body that is none" 'http.events("a", "http://x", { body = {} })' 'wrong.lua:1: http: body must be a string'
mistake "of a client, too" 'local api = http.client {}; local x = api:events("a", "http://x", { json = 1, body = "x" })' 'wrong.lua:1: http: '
mistake "no URL" 'http.events()' 'events takes a URL, not a nil'
mistake "refused" 'http.events("a", "http://x", { refused = 1 })' 'refused must be a function'
finish
