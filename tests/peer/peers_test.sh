#!/usr/bin/env bash
# The peers themselves, asked by the reference client.
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
    node reference_client.js "http://127.0.0.1:$port" "$flavour" || status=1
  else
    echo "not ok $flavour: starts: $word $port"
    status=1
  fi
  # Its standard input closes: it must stop by itself.
  eval "exec ${PEER[1]}>&-"
  if timeout 5 tail --pid="$id" -f /dev/null; then echo "ok $flavour: stops when told"; else
    echo "not ok $flavour: stops when told"
    kill "$id"
    status=1
  fi
  wait "$id" 2>/dev/null
}
try npm node socketio_server.js
try python "${PYTHON:-/usr/bin/python3}" python_server.py
try ws node ws_echo.js
exit $status
