#!/usr/bin/env bash
# The embedded server, in a script, asked by the npm and Python clients; it is reloaded
# meanwhile, and stopped with a client connected.
set -u
cd "$(dirname "$0")" || exit 1
status=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp server_script.lua "$work/server.lua"
coproc SERVER { exec "$TIDELOCK" run "$work/server.lua" --plain --log error 2>"$work/log"; }
id=$SERVER_PID
read -r -t 20 word port <&"${SERVER[0]}"
if [ "$word" != PORT ]; then
  echo "not ok server: starts: $word"
  cat "$work/log"
  exit 1
fi
node server_client.js "http://127.0.0.1:$port" "$work/server.lua" || status=1
"${PYTHON:-/usr/bin/python3}" server_client.py "http://127.0.0.1:$port" || status=1
exec {held}<>"/dev/tcp/127.0.0.1/$port"
kill -TERM "$id"
wait "$id"
if [ $? = 143 ]; then echo "ok server: stops"; else
  echo "not ok server: stops"
  status=1
fi
if grep -v 'boom\|stack traceback:\|^    	' "$work/log"; then
  echo "not ok server: only the errors that were asked for are in its log"
  status=1
else
  echo "ok server: only the errors that were asked for are in its log"
fi
exit $status
