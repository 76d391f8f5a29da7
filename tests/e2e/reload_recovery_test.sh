#!/usr/bin/env bash
# The session that a server could recover is kept over a reload, also one that changes how long a
# connection is waited for: what is missed afterwards, while the transport is broken, comes to the
# new version, once.
. "$(dirname "$0")/run.bash" || exit 1
cat >bot.lua <<'LUA'
local socket = require "tidelock.socket"
local script = require "tidelock.script"
local env = require "tidelock.env"
local VERSION = "first"
local function connect(name)
  return socket.connect(name, { url = env.get "WS_URL", multiplex = false, reconnect = { delay = 0.1, jitter = 0 } })
end
local chat, other = connect "chat", connect "other"
local function say(...) print(VERSION, ...) end
chat:on("broadcast", function(n)
  say("got " .. n)
  if n == 3 and chat:call("echo", 1) then say "and no more" end
end)
chat:on_state(function(state, info)
  say(state, info.recovered, info.retry_in)
  if state == "reconnecting" then
    other:emit("broadcast", 2)
    other:emit("broadcast", 3)
  end
end)
local welcomed = 0
for _, s in ipairs { chat, other } do
  s:on("welcome", function()
    welcomed = welcomed + 1
    if welcomed == 2 then other:emit("broadcast", 1) end
  end)
end
script.on_start(function(reason) if reason == "reload" then chat:emit "drop" end end)
LUA
coproc PEER { exec node "$ROOT/tests/peer/socketio_server.js" --recovery=60000 2>&1; }
read -r -t 20 word port <&"${PEER[0]}"
[ "$word" = PORT ] || { echo "not ok the peer starts: $word $port"; exit 1; }
export WS_URL=http://127.0.0.1:$port
start run bot.lua
expect "the first version gets an event, with an offset" '^first.got 1'
sed 's/VERSION = "first"/VERSION = "second"/; s/delay = 0.1/delay = 0.15/' bot.lua | save bot.lua
expect "the second loses the connection, and waits as long as it says" '^second.reconnecting.false.0.15$'
expect "its session is recovered" '^second.connected.true'
expect "what was missed comes" '^second.got 2'
expect "in order" '^second.got 3'
expect "and no more" '^second.and no more'
is "once" "$(grep -c '^second.got' out)" 2
stop
finish
