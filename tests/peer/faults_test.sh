#!/usr/bin/env bash
# HTTP servers that break the rules, by our own HTTP/1.1 and by curl's (tests/peer/client_faults.lua
# against faults_server.js).
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. ./certificates.bash
(certificates server) >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

coproc PEER { exec node faults_server.js --folder="$folder" 2>&1; }
id=$PEER_PID
while read -r -t 20 word <&"${PEER[0]}" && [ "$word" != READY ]; do export "${word?}"; done
status=0
FOLDER=$folder "$TIDELOCK" test client_faults.lua --log error || status=1
eval "exec ${PEER[1]}>&-"
wait "$id" 2>/dev/null || true
exit $status
