#!/usr/bin/env bash
# The conformance cases against our WebSocket client: conformance_server.js asks, the client
# of the Autobahn suite answers; those of compression again with a client that asks for limits on
# both sides. CONFORMANCE=full LIMIT=3600 gives the big cases of the first in full size: twenty
# minutes, most of them zlib's.
set -u
cd "$(dirname "$0")" || exit 1
out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
# ask LABEL OPTION...: all cases, or those that the option of the server chooses
ask() {
  local label=$1 rc
  shift
  coproc PEER { exec node conformance_server.js --limit="${LIMIT:-100}" "$@" 2>&1; }
  local id=$PEER_PID
  read -r -t 20 word port <&"${PEER[0]}"
  [ "$word" = PORT ] || { echo "not ok the server starts: $word $port" && exit 1; }
  exec 4<&"${PEER[0]}"
  cat <&4 >"$out" &
  local reader=$!
  WS_URL="ws://127.0.0.1:$port" timeout "${LIMIT:-100}" \
    "$TIDELOCK" run --no-watch --memory --log warn autobahn_client.lua
  rc=$?
  eval "exec ${PEER[1]}>&-"
  wait "$id" "$reader"
  sed "s/^\(not \)\?ok /&$label/" "$out"
  if [ $rc = 0 ]; then echo "ok ${label}the client ends well"; else echo "not ok ${label}the client ends well: exit status $rc"; fi
  [ $rc = 0 ] && ! grep -q '^not ok' "$out" || status=1
}
ask "" ${CONFORMANCE:+--full --verbose}
limits='"client_no_context_takeover":true,"server_no_context_takeover":true,"server_max_window_bits":9,"client_max_window_bits":10'
DEFLATE="{\"threshold\":0,$limits}" ask "limited on both sides: " --compression
exit $status
