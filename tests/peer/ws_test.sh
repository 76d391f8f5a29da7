#!/usr/bin/env bash
# A plain WebSocket (tests/peer/client_ws.lua) against npm's ws.
. "$(dirname "$0")/peer.bash"
against node ws_echo.js --subprotocol=chat.v1 && client client_ws.lua
leave
exit $status
