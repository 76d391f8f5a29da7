#!/usr/bin/env bash
# A process that stands still for longer than the heartbeat allows, and goes on: nothing that it was
# told is sent is lost (client_standstill.lua).
. "$(dirname "$0")/peer.bash"
try() { # KIND TRANSPORT
  export KIND=$1 TRANSPORT=$2
  wanted "$KIND over $TRANSPORT: nothing is lost" || return
  local word client line
  exec {out}< <(exec "$TIDELOCK" run --no-watch --memory --log error client_standstill.lua 2>&1)
  client=$!
  read -r -t 20 word <&"$out"
  if [ "$word" = GO ]; then
    kill -STOP "$client"
    sleep 1.5
    kill -CONT "$client"
    read -r -t 20 line <&"$out"
  fi
  case ${line:-$word} in
  ok*) echo "ok $KIND over $TRANSPORT: nothing is lost" ;;
  *) echo "not ok $KIND over $TRANSPORT: ${line:-$word}" && status=1 ;;
  esac
  kill "$client" 2>/dev/null
  exec {out}<&-
}
if against node standstill_server.js; then
  for TRANSPORT in websocket polling; do
    for KIND in emit call retries; do try $KIND $TRANSPORT; done
  done
  try send plain
fi
leave
exit $status
