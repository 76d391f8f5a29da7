#!/usr/bin/env bash
# A connection through reloads, good and bad, with about 1,000 events a second on it: it stays
# the same one, each event is handled once, by one version, in order; a hook that is attached to
# it goes on too.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/bot.lua" <<'LUA'
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
cat >"$work/hook.lua" <<'LUA'
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

coproc PEER { exec node tests/peer/socketio_server.js 2>&1; }
read -r -t 20 word port <&"${PEER[0]}"
[ "$word" = PORT ] || { echo "not ok the peer starts: $word $port"; exit 1; }
{ coproc BOT { WS_URL="http://127.0.0.1:$port" exec "$TIDELOCK" run "$work/bot.lua" "$work/hook.lua" 2>"$work/log"; }; } 2>/dev/null
bot=$BOT_PID
exec {out}<&"${BOT[0]}"

await() { # TEXT: reads lines until one contains it
  local line
  while read -r -t 10 line <&"$out"; do
    echo "$line" >>"$work/out"
    case $line in *"$1"*) return 0 ;; esac
  done
  echo "not ok waited in vain for: $1"
  tail -n 5 "$work/out" "$work/log"
  return 1
}
await_log() { # TEXT
  timeout 10 tail -n +1 -F "$work/log" 2>/dev/null | grep -q -m 1 -F -- "$1" ||
    { echo "not ok waited in vain in the log for: $1"; cat "$work/log"; return 1; }
}
save() { # SED-EXPRESSION: by renaming, as editors do
  sed "$1" "$work/bot.lua" >"$work/.new" && mv "$work/.new" "$work/bot.lua"
}

status=1
run() {
  await "first id=" && await "connects=1" || return
  for i in 1 2 3 4 5; do
    save "s/VERSION = \".*\"/VERSION = \"good$i\"/"
    await "good$i id=" || return
  done
  echo "x = = 1" >>"$work/bot.lua"
  await_log "unexpected symbol" || return
  save '$d'
  echo 'error("at the top")' >>"$work/bot.lua"
  await_log "at the top" || return
  save '$d'
  echo 'while true do end' >>"$work/bot.lua"
  await_log "CPU_LIMIT" || return
  save '$d'
  echo 'require "missing"' >>"$work/bot.lua"
  await_log "module 'missing' not found" || return
  save '$d'
  save 's/VERSION = ".*"/VERSION = "last"/'
  await "last id=" && await "END " && await "HOOK " || return
  status=0
}
run
if [ $status = 0 ]; then
  echo "ok versions follow each other, bad ones change nothing"
  check() { # NAME CONDITION...
    local name=$1
    shift
    if "$@"; then echo "ok $name"; else
      echo "not ok $name"
      status=1
    fi
  }
  check "the connection is the same throughout" [ "$(grep -o 'id=[^ ]*' "$work/out" | grep -v 'id=nil' | sort -u | wc -l)" = 1 ]
  check "it connected once" [ "$(grep -c 'connects=[2-9]' "$work/out")" = 0 ]
  check "each event is handled once, in order" [ "$(grep -c WRONG "$work/out")" = 0 ]
  check "there were over 1,000 of them" [ "$(grep -o 'END [0-9]*' "$work/out" | cut -d' ' -f2)" -gt 1000 ]
  check "the hook missed none" grep -q 'HOOK seen=[1-9][0-9]* wrong=0' "$work/out"
  check "four bad saves were told" [ "$(grep -c 'previous version goes on' "$work/log")" = 4 ]
  wait "$bot"
  check "it ends with 0" [ $? = 0 ]
else
  echo "not ok reload keeps a connection"
  kill "$bot" 2>/dev/null
fi
exit $status
