#!/usr/bin/env bash
# The WebSocket handshake against a server that answers as no server should.
set -u
cd "$(dirname "$0")" || exit 1
coproc PEER { exec node handshake_server.js 2>&1; }
id=$PEER_PID
read -r -t 20 word port <&"${PEER[0]}"
[ "$word" = PORT ] || { echo "not ok the server starts: $word $port" && exit 1; }
WS_URL="ws://127.0.0.1:$port" "$TIDELOCK" test client_handshake.lua --log error | grep -v ' passed, '
status=${PIPESTATUS[0]}
eval "exec ${PEER[1]}>&-"
wait "$id" 2>/dev/null
exit "$status"
