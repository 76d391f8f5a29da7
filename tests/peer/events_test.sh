#!/usr/bin/env bash
# Server-sent events from servers that are good, broken or hostile (client_events.lua against
# events_server.js).
set -eu
cd "$(dirname "$0")"
coproc PEER { exec node events_server.js 2>&1; }
id=$PEER_PID
read -r -t 20 word PORT <&"${PEER[0]}"
[ "$word" = PORT ] || { echo "not ok the peer starts: $word $PORT"; exit 1; }
export PORT
status=0
"$TIDELOCK" test client_events.lua --log error || status=1
eval "exec ${PEER[1]}>&-"
wait "$id" 2>/dev/null || true
exit $status
