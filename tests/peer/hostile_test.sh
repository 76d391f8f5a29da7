#!/usr/bin/env bash
# Polling servers that go wrong, and upgrades that fail: tests/peer/client_hostile.lua against
# hostile_server.js.
set -u
cd "$(dirname "$0")" || exit 1
coproc PEER { exec node hostile_server.js 2>&1; }
id=$PEER_PID
read -r -t 20 word port <&"${PEER[0]}"
status=1
if [ "$word" = PORT ]; then
  WS_URL="http://127.0.0.1:$port" "$TIDELOCK" test client_hostile.lua --log error
  status=$?
else
  echo "not ok starts: $word $port"
fi
eval "exec ${PEER[1]}>&-"
wait "$id" 2>/dev/null
exit $status
