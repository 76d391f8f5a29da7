#!/usr/bin/env bash
# How a host is reached and trusted: proxies, client certificates, pinned keys, sockets in the
# file system (tests/peer/client_route.lua, client_environment.lua against route_servers.js).
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A certificate for the server and one for the client, whose key has a password, too.
. ./certificates.bash
more_certificates() {
  certificates server client
  cp client.pem same.pem
  openssl ec -in client.key -aes128 -passout pass:moon -out locked.key
  openssl x509 -in server.pem -pubkey -noout | openssl pkey -pubin -outform der |
    openssl dgst -sha256 -binary | base64 >pin
}
(more_certificates) >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

coproc PEER { exec node route_servers.js --folder="$folder" 2>&1; }
id=$PEER_PID
while read -r -t 20 word <&"${PEER[0]}" && [ "$word" != READY ]; do export "${word?}"; done
status=0
FOLDER=$folder PIN=$(cat "$folder/pin") "$TIDELOCK" test client_route.lua --log error || status=1
# environment NAME=VALUE... CASE: what the environment says of proxies
environment() {
  local words=("${@:1:$#-1}")
  env FOLDER="$folder" CASE="${*: -1}" "${words[@]}" "$TIDELOCK" test client_environment.lua --log error || status=1
}
login=me:s3cret@127.0.0.1
environment http_proxy="http://$login:$PROXY" https_proxy="http://$login:$PROXY" "proxied"
environment all_proxy="socks5h://$login:$SOCKS" "socks"
environment http_proxy="http://$login:$PROXY" https_proxy="http://$login:$PROXY" no_proxy=localhost,127.0.0.1 "direct"
environment http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 "refused"
eval "exec ${PEER[1]}>&-"
wait "$id" 2>/dev/null || true
exit $status
