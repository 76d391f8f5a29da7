#!/usr/bin/env bash
# A server restarted RESTARTS times (10; 200 is what is promised) under load: client_restart.lua
# against restart_server.js, without and with connection state recovery.
set -u
cd "$(dirname "$0")" || exit 1
export RESTARTS=${RESTARTS:-10}
status=0
try() { # NAME RECOVERY OPTIONS...
  local name=$1 recovery=$2
  shift 2
  coproc PEER { exec node restart_server.js --limit=600 "$@" 2>&1; }
  local id=$PEER_PID
  read -r -t 20 word port <&"${PEER[0]}"
  if [ "$word" = PORT ]; then
    CONTROL="http://127.0.0.1:$port" RECOVERY=$recovery \
      "$TIDELOCK" test client_restart.lua --log error | sed "s/^\(not \)\?ok /&$name: /" | grep -v ' passed, '
    [ "${PIPESTATUS[0]}" = 0 ] || status=1
  else
    echo "not ok $name: starts: $word $port"
    status=1
  fi
  eval "exec ${PEER[1]}>&-"
  wait "$id" 2>/dev/null
}
try "without recovery" 0
try "with recovery" 1 --recovery=60000
exit $status
