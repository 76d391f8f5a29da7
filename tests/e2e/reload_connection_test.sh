#!/usr/bin/env bash
# A connection through reloads, good and bad, with about 1,000 events a second on it: it stays
# the same one, each event is handled once, by one version, in order; a hook that is attached to
# it goes on too.
. "$(dirname "$0")/run.bash" || exit 1
cat >bot.lua <<'LUA'
local socket = require "tidelock.socket"
local script = require "tidelock.script"
local timer = require "tidelock.timer"
local env = require "tidelock.env"
local keep = script.keep
local VERSION = "first"
keep.sent, keep.seen, keep.connects = keep.sent or 0, keep.seen or 0, keep.connects or 0
local chat = socket.connect("chat", { url = env.get("WS_URL") })
chat:on("connect", function() keep.connects = keep.connects + 1 end)
chat:on("echo", function(i)
  if i ~= keep.seen + 1 then print("WRONG: " .. i .. " after " .. keep.seen) end
  keep.seen = i
end)
timer.every("source", 0.001, function()
  if keep.sent < (keep.stop or math.huge) then
    keep.sent = keep.sent + 1
    chat:emit("echo", keep.sent)
  end
end)
timer.every("report", 0.02, function()
  print(("%s id=%s connects=%d seen=%d"):format(VERSION, chat.id, keep.connects, keep.seen))
  if VERSION == "last" then
    keep.stop = keep.stop or math.max(keep.sent, 1200)
    if keep.seen == keep.stop then
      print("END " .. keep.seen)
      script.exit(0)
    end
  end
end)
LUA
cat >hook.lua <<'LUA'
local socket = require "tidelock.socket"
local script = require "tidelock.script"
local chat = socket.attach("bot:chat")
local seen, wrong = 0, 0
chat:on("echo", function(i)
  if seen > 0 and i ~= seen + 1 then wrong = wrong + 1 end
  seen = i
end)
script.on_stop(function() print(("HOOK seen=%d wrong=%d"):format(seen, wrong)) end)
LUA

coproc PEER { exec node "$ROOT/tests/peer/socketio_server.js" 2>&1; }
read -r -t 20 word port <&"${PEER[0]}"
[ "$word" = PORT ] || { echo "not ok the peer starts: $word $port"; exit 1; }
export WS_URL=http://127.0.0.1:$port
start run bot.lua hook.lua
expect "it connects" '^first id=[^ ]+ connects=1'

# --- versions follow each other -------------------------------------------------------------
change() { sed "$1" bot.lua | save bot.lua; } # SED-EXPRESSION
for i in 1 2 3 4 5; do
  change "s/VERSION = \".*\"/VERSION = \"good$i\"/"
  expect "version $i" "^good$i id="
done
bad() { # LINE PATTERN: a save with this line fails, and is mended
  sed "\$a$1" bot.lua | save bot.lua
  expect "bad: $1" "$2"
  change '$d'
}
bad 'x = = 1' 'unexpected symbol'
bad 'error("at the top")' 'at the top'
bad 'while true do end' 'CPU_LIMIT'
bad 'require "missing"' "module 'missing' not found"
change 's/VERSION = ".*"/VERSION = "last"/'
expect "the last version" '^last id='
expect "it ends itself" '^END '
count=${line#END }
expect "the hook missed none" '^HOOK seen=[1-9][0-9]* wrong=0$'
ended
is "with 0" "$status" 0

# --- what the connection saw ----------------------------------------------------------------
is "the connection is the same throughout" "$(grep -o 'id=[^ ]*' out | grep -v 'id=nil' | sort -u | wc -l)" 1
is "it connected once" "$(grep -c 'connects=[2-9]' out)" 0
is "each event is handled once, in order" "$(grep -c WRONG out)" 0
if [ "$count" -gt 1000 ]; then ok "there were over 1,000 of them"; else not_ok "over 1,000 events" "$count"; fi
is "four bad saves were told" "$(grep -c 'previous generation goes on' out)" 4
finish
