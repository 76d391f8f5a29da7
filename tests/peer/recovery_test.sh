#!/usr/bin/env bash
# Connection state recovery (tests/peer/client_recovery.lua), over WebSocket and polling.
set -u
cd "$(dirname "$0")" || exit 1
status=0
for transport in websocket polling; do
  coproc PEER { exec node socketio_server.js --recovery=60000 2>&1; }
  id=$PEER_PID
  read -r -t 20 word port <&"${PEER[0]}"
  WS_URL="http://127.0.0.1:$port" TRANSPORT=$transport "$TIDELOCK" test client_recovery.lua --log error |
    sed "s/^\(not \)\?ok /&$transport: /" | grep -v ' passed, '
  [ "${PIPESTATUS[0]}" = 0 ] || status=1
  eval "exec ${PEER[1]}>&-"
  wait "$id" 2>/dev/null
done
exit $status
