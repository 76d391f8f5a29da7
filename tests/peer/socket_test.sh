#!/usr/bin/env bash
# tidelock.socket against the real servers: npm socket.io and python-socketio.
. "$(dirname "$0")/peer.bash"
try() { # FLAVOUR COMMAND...
  export FLAVOUR=$1 TRANSPORTS
  shift
  if against "$@"; then
    for TRANSPORTS in websocket polling "polling websocket"; do
      client client_socket.lua "$FLAVOUR, $TRANSPORTS"
      client client_options.lua "$FLAVOUR, $TRANSPORTS"
    done
  fi
  leave
}
try npm node socketio_server.js --maxHttpBufferSize=4000000
if against node socketio_server.js --maxHttpBufferSize=4000000 --parser=msgpack; then
  for TRANSPORTS in websocket "polling websocket"; do
    for file in client_socket.lua client_options.lua; do
      PARSER=msgpack FLAVOUR=npm client $file "npm, msgpack, $TRANSPORTS"
    done
  done
fi
leave
try python "${PYTHON:-/usr/bin/python3}" python_server.py --maxHttpBufferSize 4000000
exit $status
