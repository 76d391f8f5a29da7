#!/usr/bin/env bash
# IPv6, and the fast fallback from it to IPv4 (client_address.lua against npm socket.io on ::1 or
# 127.0.0.1). What `both.test` is, and that it has two addresses, is told by names.c.
. "$(dirname "$0")/peer.bash"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
names() {
  cc -shared -fPIC -o "$work/names.so" names.c -ldl || return 1
  # A sanitizer wants to be the first.
  export LD_PRELOAD
  LD_PRELOAD=$(ldd "$TIDELOCK" | awk '/libasan/ { print $3 " " }')$work/names.so
}
port() { echo "${WS_URL##*:}"; }

against node socketio_server.js --host=::1 || exit 1
PORT=$(port) CASE=six client client_address.lua
leave
against node socketio_server.js || exit 1
PORT=$(port) CASE=four client client_address.lua
if [ "$(uname -s)" = Linux ]; then
  (names && PORT=$(port) CASE=refused client client_address.lua && exit $status) || status=1
  mkfifo "$work/in" "$work/out"
  "$PYTHON" deaf.py "$(port)" <"$work/in" >"$work/out" 2>&1 &
  deaf=$!
  exec 7>"$work/in" 8<"$work/out"
  read -r -t 20 word <&8
  if [ "$word" = READY ]; then
    (names && PORT=$(port) CASE=deaf client client_address.lua && exit $status) || status=1
  else
    echo "not ok a listener that is deaf: $word"
    status=1
  fi
  exec 7>&-
  wait "$deaf"
fi
leave
exit $status
