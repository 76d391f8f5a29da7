#!/usr/bin/env bash
# Connections that break: cut at every CUT_STEP-th byte of a conversation, or gone silent
# (tests/peer/client_cut.lua against cut_server.js).
set -u
cd "$(dirname "$0")" || exit 1
coproc PEER { exec node cut_server.js --pingInterval=300 --pingTimeout=200 2>&1; }
id=$PEER_PID
read -r -t 20 word port <&"${PEER[0]}"
status=1
if [ "$word" = PORT ]; then
  WS_URL="http://127.0.0.1:$port" STEP=${CUT_STEP:-5} "$TIDELOCK" test client_cut.lua --log error
  status=$?
else
  echo "not ok starts: $word $port"
fi
eval "exec ${PEER[1]}>&-"
wait "$id" 2>/dev/null
exit $status
