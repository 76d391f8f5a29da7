#!/usr/bin/env bash
# The server goes away and comes back, without its data: the client finds its way.
. "$(dirname "$0")/helpers.bash"
export PORT=$(free_port)
export API_URL=http://127.0.0.1:$PORT
server=
serve() { "$TIDELOCK" run "$ROOT/examples/backend" --no-watch --memory >>"$TMPDIR/server" 2>&1 3>&- & server=$!; }
trap 'kill $server 2>/dev/null' EXIT
look() { seen=$(cat "$TMPDIR/out"); }
shows() { look && has "$1"; }

mkfifo "$TMPDIR/in"
"$TIDELOCK" run "$ROOT/scripts" --no-watch --memory <"$TMPDIR/in" >"$TMPDIR/out" 2>&1 &
client=$!
exec 3>"$TMPDIR/in"
echo first >&3
check 'the client starts before the server' until_true shows 'waiting for the server'
serve
check 'what was typed before is sent then' until_true shows 'Assistant: You said "first"'

kill -KILL $server && wait $server 2>/dev/null
check 'a lost connection is told, and when it is tried again' \
  until_true shows 'connection lost (the connection broke); trying again in'
echo second >&3
serve
check 'it connects again, logging in anew' until_true shows '* connected again'
check 'it opens a session that there is' until_true shows 'this session is not there any more'
check 'what was typed for the session that is gone is sent nowhere by itself' \
  until_true shows '! not sent: second'
echo /retry >&3
check 'and sent where one is when one says so' until_true shows 'Assistant: You said "second"'
exec 3>&-
wait $client
rc=$?
look
check 'each message is shown once' once 'Demo: second'
check 'it ends well' [ $rc = 0 ]
[ $bad = 0 ]
