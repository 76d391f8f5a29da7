#!/usr/bin/env bash
# Servers that emit before they let in (tests/peer/client_early.lua): npm and python-socketio.
. "$(dirname "$0")/peer.bash"
try() { # LABEL COMMAND...
  local label=$1
  shift
  for TRANSPORT in websocket polling; do
    export TRANSPORT
    against "$@" && client client_early.lua "$label, $TRANSPORT"
    leave
  done
}
try npm node early_server.js
try "npm with recovery" node early_server.js --recovery=60000
export PARSER=msgpack
try "npm, msgpack" node early_server.js --parser=msgpack
unset PARSER
try python "${PYTHON:-/usr/bin/python3}" early_server.py
export ALWAYS=1
try "python, always" "${PYTHON:-/usr/bin/python3}" early_server.py --always
exit $status
