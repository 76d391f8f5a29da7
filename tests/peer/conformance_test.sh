#!/usr/bin/env bash
# The conformance cases against our WebSocket client: conformance_server.js asks, the client
# of the Autobahn suite answers. CONFORMANCE=full gives the big cases in full size.
set -u
cd "$(dirname "$0")" || exit 1
out=$(mktemp)
trap 'rm -f "$out"' EXIT
coproc PEER { exec node conformance_server.js ${CONFORMANCE:+--full --verbose} 2>&1; }
id=$PEER_PID
read -r -t 20 word port <&"${PEER[0]}"
[ "$word" = PORT ] || { echo "not ok the server starts: $word $port" && exit 1; }
exec 4<&"${PEER[0]}"
cat <&4 >"$out" &
reader=$!
WS_URL="ws://127.0.0.1:$port" timeout "${LIMIT:-100}" \
  "$TIDELOCK" run --no-watch --memory --log warn autobahn_client.lua
rc=$?
eval "exec ${PEER[1]}>&-"
wait "$id" "$reader"
cat "$out"
if [ $rc = 0 ]; then echo 'ok the client ends well'; else echo "not ok the client ends well: exit status $rc"; fi
[ $rc = 0 ] && ! grep -q '^not ok' "$out"
