#!/usr/bin/env bash
# What the client keeps: over kill -9, over a server that has lost its memory, for one user alone.
. "$(dirname "$0")/helpers.bash"
export PORT=$(free_port)
export API_URL=http://127.0.0.1:$PORT
data=$TMPDIR/data
server= client=
trap 'kill -KILL $server $client 2>/dev/null' EXIT
serve() {
  "$TIDELOCK" run "$ROOT/examples/backend" --no-watch --memory >>"$TMPDIR/server" 2>&1 3>&- &
  server=$!
}
look() { seen=$(cat "$TMPDIR/out"); }
shows() { look && has "$1"; }
start() { # the client, with the same data folder
  rm -f "$TMPDIR/in" && mkfifo "$TMPDIR/in" && : >"$TMPDIR/out"
  "$TIDELOCK" run client="$ROOT/scripts" --no-watch --data "$data" <"$TMPDIR/in" \
    >"$TMPDIR/out" 2>&1 &
  client=$!
  exec 3>"$TMPDIR/in"
}
killed() {
  kill -KILL $client
  wait $client 2>/dev/null
  exec 3>&-
}
left() {
  echo /quit >&3
  wait $client
  rc=$?
  exec 3>&-
}
# on_disk TEXT: what has been written holds it
on_disk() { cat "$data"/default/state.db* | grep -qaF -- "$1"; }
# of_login WHAT: the token of another login, which looks like the client's, or the theme of the user
of_login() {
  "$PYTHON" - "$API_URL" "$1" <<'END'
import json, sys, urllib.request
body = json.dumps({"email": "demo@example.com", "password": "demo"}).encode()
kind = {"Content-Type": "application/json"}
asked = urllib.request.Request(sys.argv[1] + "/api/auth/login", body, kind)
data = json.load(urllib.request.urlopen(asked))["data"]
print(data["token"] if sys.argv[2] == "token" else data["user"]["preferences"]["theme"])
END
}
dark() { [ "$(of_login theme)" = dark ]; }

serve
start
until_true shows '* connected'
echo 'one thing' >&3
until_true shows 'Assistant: You said "one thing"'
echo '/new Alpha' >&3
until_true shows 'project Alpha'
echo 'alpha one' >&3
until_true shows 'Assistant: You said "alpha one"'
echo '/set theme dark' >&3
check 'a preference is set' until_true shows '* theme is dark now'
check 'the server is told' until_true dark
check 'a wrong one is told' eval 'echo "/set theme pink" >&3; until_true shows "theme can be light, dark"'
check 'what was said reaches the disk' until_true on_disk 'said \"alpha one\"'
until_true on_disk dark
token=$(of_login token)
check 'tokens have the shape that is looked for' [ ${#token} -ge 32 ]
check 'no token is on the disk' eval \
  '! cat "$data"/default/state.db* | grep -qaE "[0-9a-f]{${#token}}"'
check 'nor the password' eval '! on_disk "\"password\""'
killed

kill -STOP $server
start
check 'after kill -9 it shows what was open, before the server says anything' \
  until_true shows 'Assistant: You said "alpha one"'
check 'with its place, in order' in_order 'from the last time: project Alpha' 'Demo: alpha one' 'Assistant:'
kill -CONT $server
check 'it opens what was open last' until_true shows '* project Alpha, Session 1'
until_true shows '* connected'
echo '/open Welcome' >&3
check 'other sessions are there too' until_true shows 'Assistant: You said "one thing"'
echo '/set' >&3
check 'preferences are' until_true shows 'theme: dark'
look
check 'nothing is doubled' eval 'once "Demo: alpha one" && once "Demo: one thing" &&
  once "Assistant: You said \"alpha one\"" && once "Assistant: You said \"one thing\""'

# Typed while there is no server, killed: it is sent when there is one again.
kill -STOP $server
echo 'on its way' >&3
until_true on_disk 'on its way'
killed
kill -CONT $server
start
check 'a line that was not answered is sent, or known as sent' \
  until_true shows 'Assistant: You said "on its way"'
left
look
check 'once' eval '[ "$(grep -c "^Demo: on its way" <<<"$seen")" = 1 ]'
check 'it ends well' [ $rc = 0 ]

# The same profile, while the server has lost its memory.
kill -KILL $server && wait $server 2>/dev/null
serve
start
check 'what was said is shown all the same' until_true shows 'Demo: on its way'
check 'a session that is gone is told' until_true shows 'this session is not there any more'
until_true shows '* connected'
echo 'a new one' >&3
check 'and another one goes on' until_true shows 'Assistant: You said "a new one"'
killed
start
until_true shows '* connected'
look
check 'what is gone is forgotten' eval 'has "Demo: a new one" && lacks "Demo: on its way"'
killed

# Another user of the same profile sees none of it.
export CHAT_EMAIL=guest@example.com CHAT_PASSWORD=guest
start
check 'another user is told whose state it was' until_true shows 'is of demo@example.com'
until_true shows 'logged in as Guest'
echo '/set' >&3
until_true shows 'theme: system'
look
check 'and sees none of it' lacks 'a new one'
left
check 'that ends well too' [ $rc = 0 ]
[ $bad = 0 ]
