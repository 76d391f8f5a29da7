#!/usr/bin/env bash
# A plain WebSocket (tests/peer/client_ws.lua) against npm's ws.
. "$(dirname "$0")/peer.bash"
if against node ws_echo.js --subprotocol=chat.v1; then
  timeout 20 "$TIDELOCK" run --no-watch --memory last_words.lua || status=1
  client client_ws.lua
fi
leave
exit $status
