#!/usr/bin/env bash
# tidelock.socket against the real servers: npm socket.io and python-socketio.
set -u
cd "$(dirname "$0")" || exit 1
status=0
try() { # FLAVOUR COMMAND...
  local flavour=$1
  shift
  coproc PEER { exec "$@" 2>&1; }
  local id=$PEER_PID
  read -r -t 20 word port <&"${PEER[0]}"
  if [ "$word" = PORT ]; then
    for transports in websocket polling "polling websocket"; do
      WS_URL="http://127.0.0.1:$port" FLAVOUR=$flavour TRANSPORTS=$transports \
        "$TIDELOCK" test client_socket.lua --log error |
        sed "s/^\(not \)\?ok /&$flavour, $transports: /" | grep -v ' passed, '
      [ "${PIPESTATUS[0]}" = 0 ] || status=1
    done
  else
    echo "not ok $flavour: starts: $word $port"
    status=1
  fi
  eval "exec ${PEER[1]}>&-"
  wait "$id" 2>/dev/null
}
try npm node socketio_server.js --maxHttpBufferSize=4000000
try python "${PYTHON:-/usr/bin/python3}" python_server.py --maxHttpBufferSize 4000000
exit $status
