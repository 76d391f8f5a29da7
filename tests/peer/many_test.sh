#!/usr/bin/env bash
# MANY connections (300; MANY=5000 is what is promised) in one process, opened, each sent an
# event and echoed another, and closed, twice over, against npm socket.io. What an idle one
# takes is reported; nothing is left behind: the files are those of before, and the memory after the
# second round is that after the first. MANY_TLS=1 does it over TLS, of which there is no limit on
# what one takes.
set -u
cd "$(dirname "$0")" || exit 1
export MANY=${MANY:-300}
LIMIT_KB=8 # of memory for each connection, once there are many
LEFT_KB=$((256 + MANY / 4)) # that a second round may take more: nothing for each
[ -z "${MANY_TLS:-}" ] || LEFT_KB=$((256 + MANY * 8)) # of 48
status=0
ok() { echo "ok $1"; }
not_ok() {
  echo "not ok $1${2:+: $2}"
  status=1
}
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got \"$2\", expected \"$3\""; fi; }

work=$(mktemp -d)
scheme=http tls=()
if [ -n "${MANY_TLS:-}" ]; then
  scheme=https tls=(--cert="$work/cert.pem" --key="$work/key.pem")
  export CA=$work/cert.pem
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=many \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/cert.pem" 2>"$work/log" ||
    { cat "$work/log" && exit 1; }
fi
coproc PEER { exec node socketio_server.js "${tls[@]}" 2>&1; }
peer=$PEER_PID
read -r -t 20 word port <&"${PEER[0]}"
[ "$word" = PORT ] || { echo "not ok the server starts: $word $port" && exit 1; }
export WS_URL="$scheme://127.0.0.1:$port"

mkfifo "$work/in" "$work/out"
begin() {
  "$TIDELOCK" run --plain --memory --no-watch client_many.lua \
    <"$work/in" >"$work/out" 2>"$work/err" &
  us=$!
  exec 5>"$work/in" 6<"$work/out"
  answer
}
# The next line of the client is in $line.
answer() { line= && read -r -t 100 line <&6; }
# Tells all connections to do something, and waits until they have done it.
all() {
  echo "$1" >&5
  answer
  case $line in "$1 "*) ;; *) not_ok "$1" "$line" ;; esac
}
end() {
  exec 5>&- 6<&-
  wait "$us"
}
files() { find "/proc/$us/fd" -mindepth 1 2>/dev/null | wc -l; }
dirty() { awk '/^Private_Dirty/ { print $2 }' "/proc/$us/smaps_rollup"; }
# Sockets are closed a little after they are said to be: waits until no more are open than before.
files_are() {
  local end=$((SECONDS + 10))
  until [ "$(files)" -le "$1" ] || [ $SECONDS -ge $end ]; do read -r -t 0.02 _ <><(:); done
  files
}

begin
is "starts" "$line" ready
few=$(($(files) + 4)) # the library keeps some of its own
before=$(dirty)
all declare
all open
opened=$line
all echo
each=$(awk "BEGIN { printf \"%.1f\", ($(dirty) - $before) / $MANY }")
echo "# $MANY $scheme connections, ${opened/open /open in } s, ${line/echo /an echo each in } s; $each KB each"
if [ "$MANY" -ge 2000 ] && [ $scheme = http ]; then
  is "an idle connection takes less than $LIMIT_KB KB" "$(awk "BEGIN { print ($each < $LIMIT_KB) }")" 1
fi
all close
idle=$(files_are "$few")
first=$(dirty)
all open
is "all are open at once" "$(($(files) - idle))" "$MANY"
all echo
all close
is "no file is left open" "$(files_are "$idle")" "$idle"
grown=$(($(dirty) - first))
echo "# the second round: $grown KB more"
# A sanitizer keeps what was freed for a while, so that it says nothing there.
if ! ldd "$TIDELOCK" | grep -q libasan; then
  is "the second round takes no more memory" "$((grown < LEFT_KB))" 1
fi
end
is "ends well" "$?" 0
is "nothing to complain about" "$(grep -cv 'ran for about' "$work/err")" 0

eval "exec ${PEER[1]}>&-"
wait "$peer" 2>/dev/null
rm -rf "$work"
exit $status
