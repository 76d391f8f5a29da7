#!/usr/bin/env bash
# What was emitted before disconnect() arrives (client_leave.lua, leave_server.js).
. "$(dirname "$0")/peer.bash"
for parser in json msgpack; do
  more=
  [ $parser = json ] || more=--msgpack
  against node leave_server.js $more || continue
  export PARSER=$parser
  for TRANSPORT in websocket polling; do
    export TRANSPORT
    for HOW in ends exit; do
      export HOW
      "$TIDELOCK" run --memory --no-watch script_leave.lua || status=1
    done
  done
  client client_leave.lua $parser
  leave
done
exit $status
