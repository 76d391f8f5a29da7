#!/usr/bin/env bash
# A server of which half the data is not as it should be: the client drops that half, says what was
# wrong and where, and goes on with the other.
. "$(dirname "$0")/helpers.bash"
export PORT=$(free_port)
export API_URL=http://127.0.0.1:$PORT
"$TIDELOCK" run "$ROOT/tests/e2e/odd_server.lua" --no-watch >"$TMPDIR/server" 2>&1 &
server=$!
mkfifo "$TMPDIR/in"
"$TIDELOCK" run "$ROOT/scripts" --no-watch --plain --memory <"$TMPDIR/in" >"$TMPDIR/out" 2>"$TMPDIR/log" &
client=$!
trap 'kill $server $client 2>/dev/null' EXIT
exec 3>"$TMPDIR/in"
shows() { seen=$(cat "$TMPDIR/out") && has "$1"; }

check 'what is right after all that is wrong is shown' until_true shows 'Bob: last'
check 'the right items of lists are shown' in_order 'logged in as Ada' 'project Moon, One' 'Bob: first'
exec 3>&-
wait $client
rc=$?
check 'the client ends well' [ $rc = 0 ]

seen=$(cat "$TMPDIR/log")
check 'a wrong project is told with its path' \
  has 'dropped GET /api/projects[1]: createdAt: expected RFC 3339 time, received nothing; name: expected string'
check 'a wrong session is told' has 'sessions[1]: expected object, received number'
check 'a wrong message is told' has 'messages[2]: content: expected string, received array'
check 'a wrong event is told' has 'dropped new_message: expected object, received string'
check 'each event is told' has 'dropped error_occurred'
check 'no handler has failed' lacks ERROR
[ $bad = 0 ]
