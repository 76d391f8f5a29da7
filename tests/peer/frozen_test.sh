#!/usr/bin/env bash
# A server that stands still (client_frozen.lua).
. "$(dirname "$0")/peer.bash"
for TRANSPORT in websocket polling; do
  export TRANSPORT
  against node socketio_server.js --pingInterval=100 --pingTimeout=200 && client client_frozen.lua $TRANSPORT
  leave
done
exit $status
