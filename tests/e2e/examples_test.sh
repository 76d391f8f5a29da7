#!/usr/bin/env bash
# The examples do what they say: against the npm server, and against the demo's.
. "$(dirname "$0")/helpers.bash"
cd "$ROOT" || exit 1

# A client that notes what it hears, made of Tidelock itself.
cat >"$TMPDIR/listener.lua" <<'LUA'
local env = require "tidelock.env"
local socket = require "tidelock.socket"
local timer = require "tidelock.timer"
local chat = socket.connect("chat", { url = env.get("WS_URL") })
chat:on("connect", function() chat:emit("join", "lobby") end)
chat:on("said", function(text, from) print("said " .. text .. (from == chat.id and " (me)" or "")) end)
chat:on("broadcast", function(text) print("heard " .. text) end)
local asked = 0
timer.every("ask", 0.1, function()
  asked = asked + 1
  chat.volatile:emit("say", "lobby", "hi " .. asked)
end)
LUA

coproc PEER { exec node tests/peer/socketio_server.js 2>&1; }
read -r -t 20 word port <&"${PEER[0]}"
[ "$word" = PORT ] || { echo "not ok the peer starts: $word $port" && exit 1; }
export WS_URL=http://127.0.0.1:$port

pids=
start() { # OUTPUT ARGUMENT...
  local out=$TMPDIR/$1
  shift
  "$TIDELOCK" run "$@" <"${input:-/dev/null}" >"$out" 2>&1 &
  pids="$pids $!"
}
stop_all() { [ -z "$pids" ] || kill $pids 2>/dev/null; pids=; }
trap stop_all EXIT
shows() { seen=$(cat "$TMPDIR/$1") && has "$2"; }
count() { grep -c "$2" "$TMPDIR/$1"; }
counts() { [ "$(count "$1" "$2")" -ge "$3" ]; }

start listener --no-watch "$TMPDIR/listener.lua"
start echo --no-watch examples/echo_bot.lua
check 'the echo bot says again what it hears' until_true shows listener 'said echo: hi'
check 'but not what it says itself' lacks 'echo: echo'

cp examples/ticker.lua "$TMPDIR/ticker.lua"
TICK_SECONDS=0.05 start ticker "$TMPDIR/ticker.lua"
check 'the ticker ticks' until_true shows listener 'heard tick 3'
sed 's/"tick "/"tock "/' "$TMPDIR/ticker.lua" >"$TMPDIR/edited" && mv "$TMPDIR/edited" "$TMPDIR/ticker.lua"
check 'the ticker is edited while it runs' until_true counts listener 'heard tock' 3
numbers=$(sed -n 's/^heard t[io]ck //p' "$TMPDIR/listener")
seen=$numbers
check 'its count goes on' [ "$(sort -n <<<"$numbers" | uniq -d)" = "" ]
first=$(head -n 1 <<<"$numbers") last=$(tail -n 1 <<<"$numbers")
check 'without a gap' [ $((last - first + 1)) = "$(wc -l <<<"$numbers")" ]
check 'nothing is logged' [ ! -s "$TMPDIR/echo" ]
stop_all

# The plain WebSocket: what is typed comes back; the close of the server is shown, and it reconnects.
coproc ECHO { exec node tests/peer/ws_echo.js 2>&1; }
read -r -t 20 word port <&"${ECHO[0]}"
mkfifo "$TMPDIR/typed"
exec 7<>"$TMPDIR/typed"
input=$TMPDIR/typed WS_URL=ws://127.0.0.1:$port start websocket --no-watch examples/websocket.lua
check 'the WebSocket is open' until_true shows websocket '* connected'
echo hello >&7
check 'what is typed comes back' until_true shows websocket '< hello'
echo '/close 4001 enough' >&7
check 'a close is shown' until_true shows websocket '* reconnecting: transport close'
check 'and it is open again' until_true counts websocket '^\* connected' 2
exec 7>&-
stop_all

# The AI stream: by itself, and from a server that is slow between the words.
start ai_own --no-watch examples/ai_stream.lua -- why is it
check 'the AI stream answers by itself' until_true shows ai_own 'You asked: why is it'
coproc AI { exec node tests/peer/events_server.js 2>&1; }
read -r -t 20 word port <&"${AI[0]}"
AI_KEY=k AI_URL=http://127.0.0.1:$port/ai/one start ai --no-watch examples/ai_stream.lua -- why is it
check 'the AI stream prints words as they come' until_true shows ai 'one two'
check 'before the last has come' lacks 'three'
check 'and all of them' until_true shows ai 'one two three'
stop_all

# The hook, loaded before the connection it listens to exists.
export PORT=$(free_port)
export API_URL=http://127.0.0.1:$PORT WS_URL=http://127.0.0.1:$PORT
input=$TMPDIR/in
mkfifo "$input"
exec 3<>"$input"
start hook --no-watch examples/hook.lua backend=examples/backend client=scripts
echo 'three small words' >&3
check 'the hook hears what the client hears' until_true shows hook 'hook: Demo wrote 3 words'
check 'the hook sees the connection' shows hook 'hook: the connection is connected'
check 'the client hears it too' until_true shows hook 'Assistant: You said "three small words"'

# A login that the next process goes on with, without the password.
log_in() { timeout 30 "$TIDELOCK" run --no-watch --data "$TMPDIR/data" examples/login.lua >"$TMPDIR/login" 2>&1; }
API_USER=demo@example.com API_PASSWORD=demo log_in
check 'the login is done' shows login 'hello Demo'
API_PASSWORD=wrong log_in
check 'the next process needs none' shows login 'hello Demo'
check 'and was logged in from the start' lacks 'not logged in'
[ $bad = 0 ]
