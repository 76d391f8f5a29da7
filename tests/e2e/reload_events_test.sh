#!/usr/bin/env bash
# A server that sends numbered events, 1,000 a second, through reloads. One that fails, whyever,
# changes nothing: the sequence stays whole, the connection the same, nobody else has to wait. And
# over 1,000 good ones each event is handled by one version, once. RELOADS says another number.
. "$(dirname "$0")/run.bash" || exit 1
reloads=${RELOADS:-1000}

serve <<'LUA'
web:io():on("connection", function(client)
  local began, sent, open = timer.now(), 0, true
  client:on("disconnect", function() open = false end)
  while open do
    for _ = sent + 1, (timer.now() - began) * 1000 do
      sent = sent + 1
      client:emit("n", sent)
    end
    task.sleep(0.001)
  end
end)
LUA

# Notes how long nobody could run, at worst.
cat >other.lua <<'LUA'
local script, timer = require "tidelock.script", require "tidelock.timer"
local last, worst
timer.every(0.001, function()
  local now = timer.now()
  if last then worst = math.max(worst or 0, now - last) end
  last = now
end)
script.on_stop(function() print(("worst %.0f"):format(worst * 1000)) end)
LUA
cat >head.lua <<'LUA'
local env, script, socket = require "tidelock.env", require "tidelock.script", require "tidelock.socket"
local store, timer = require "tidelock.store", require "tidelock.timer"
local keep = script.keep
keep.seen, keep.wrong, keep.last = keep.seen or 0, keep.wrong or 0, keep.last or 0
local chat = socket.connect("chat", { url = env.get("WS_URL") })
chat:on("n", function(n)
  if n ~= keep.seen + 1 or script.generation < keep.last then keep.wrong = keep.wrong + 1 end
  keep.seen, keep.last = n, script.generation
end)
chat:on("disconnect", function() print "LOST" end)
timer.every("report", 0.02, function()
  print(("seen %d wrong %d %s %s"):format(keep.seen, keep.wrong, chat.id, script.generation))
end)
LUA
good() { cat head.lua; echo 'store.define("s", { initial = { a = 1 }, version = 1 })'; }
good | save bot.lua
# The same in a process of its own, which reloads nothing: so long the machine let it wait.
(exec "$TIDELOCK" run other.lua --plain >idle 2>&1 </dev/null) &
idle=$!
start run bot.lua other.lua --memory
expect "it is connected" '^seen [1-9][0-9]* wrong 0 [^n]'
id=$(cut -d' ' -f5 <<<"$line")

# bad NAME PATTERN: standard input follows what is good; it must be told so, and the events go on.
bad() {
  { good; cat; } | save bot.lua
  expect "$1: is told" "$2"
  expect "$1: the previous generation goes on" 'the previous generation goes on'
  local before after
  seen '^seen ' && before=$(cut -d' ' -f2 <<<"$line")
  seen '^seen ' && seen '^seen ' && after=$line
  is "$1: in the same version, on the same connection" "$(cut -d' ' -f3- <<<"$after")" "wrong 0 $id 1"
  [ "$(cut -d' ' -f2 <<<"$after")" -gt "$before" ] && ok "$1: events go on" || not_ok "$1: events go on" "$after"
}
bad "syntax error" "near '='" <<<'x = = 1'
bad "error at top level" 'bot.lua:[0-9]+: no$' <<<'error "no"'
bad "endless loop" 'CPU_LIMIT' <<<'while true do end'
bad "out of memory" 'MEMORY: not enough memory' <<<'local s = "x" while true do s = s .. s end'
bad "missing module" "module 'nowhere' not found" <<<'require "nowhere"'
bad "wrong URL" 'bot.lua:[0-9]+: socket "other": the URL' <<<'socket.connect("other", { url = "htp://x" })'
bad "wrong option" 'unknown option "prot"' <<<'socket.connect("other", { url = "ws://x", prot = 1 })'
bad "busy port" 'bot.lua:[0-9]+: server "web": .*the port is in use' \
  <<<"require('tidelock.server').listen('web', { port = $port })"
good() { cat head.lua; } # its store is declared by what follows
bad "failing migrate" 'no way' <<'LUA'
store.define("s", { initial = { a = 1 }, version = 2, migrate = function() error "no way" end })
LUA

# --- good ones ------------------------------------------------------------------------------
{
  cat head.lua
  echo "script.on_start(function()
    if script.generation < $reloads then return script.reload() end
    print 'all done'
  end)"
} | save bot.lua
expect "$reloads reloads" '^all done$'
expect "the last version hears events" '^seen '
seen '^seen '
is "each was handled once, in order, on the same connection" \
  "$(cut -d' ' -f3-5 <<<"$line")" "wrong 0 $id"
kill -INT "$pid"
expect "others went on" '^worst [0-9]+$'
worst=${line#worst }
kill -INT "$idle" && wait "$idle"
machine=$(sed -n 's/^worst //p' idle)
[ "$worst" -lt $((250 + 2 * machine)) ] && ok "none waited for long" ||
  not_ok "none waited for long" "$worst ms, where $machine ms are the machine's"
grep -q '^LOST' out && not_ok "the connection was never lost" || ok "the connection was never lost"
ended

# --- a script that is short of time ---------------------------------------------------------
# It gives way to others, so that events wait for it: each is handled before the next version takes
# over, which finds what came of it.
{
  sed 's/^chat:on("n", function(n)$/&\n  local till = os.clock() + 0.0003 while os.clock() < till do end/' head.lua
  echo 'timer.every("again", 0.05, function() pcall(script.reload) end)'
} >bot.lua
cat >busy.lua <<'LUA'
require("tidelock.timer").every(0.001, function()
  local till = os.clock() + 0.01
  while os.clock() < till do end
end)
LUA
start run bot.lua busy.lua --memory --no-watch
expect "it reloads, and is short of time" '^seen [0-9]* wrong [0-9]* [^ ]* 2[0-9]$'
is "no event is lost to a version that is gone" "$(cut -d' ' -f3-4 <<<"$line")" "wrong 0"
kill -INT "$pid"
ended
kill $server
wait $server
finish
