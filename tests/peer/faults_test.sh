#!/usr/bin/env bash
# HTTP servers that break the rules, by our own HTTP/1.1 and by curl's (tests/peer/client_faults.lua
# against faults_server.js).
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
certificates() {
  cd "$folder"
  local key=(-newkey ec -pkeyopt "ec_paramgen_curve:P-256")
  openssl req -x509 "${key[@]}" -nodes -keyout ca.key -out ca.pem -days 2 -subj "/CN=Test CA"
  openssl req "${key[@]}" -nodes -keyout server.key -out server.csr -subj "/CN=server"
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem \
    -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1")
}
(certificates) >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

coproc PEER { exec node faults_server.js --folder="$folder" 2>&1; }
id=$PEER_PID
while read -r -t 20 word <&"${PEER[0]}" && [ "$word" != READY ]; do export "${word?}"; done
status=0
FOLDER=$folder "$TIDELOCK" test client_faults.lua --log error || status=1
eval "exec ${PEER[1]}>&-"
wait "$id" 2>/dev/null || true
exit $status
