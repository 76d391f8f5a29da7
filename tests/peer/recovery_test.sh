#!/usr/bin/env bash
# Connection state recovery (tests/peer/client_recovery.lua), over WebSocket and polling.
. "$(dirname "$0")/peer.bash"
for TRANSPORT in websocket polling; do
  export TRANSPORT
  against node socketio_server.js --recovery=60000 && client client_recovery.lua $TRANSPORT
  leave
done
exit $status
