#!/usr/bin/env bash
# The embedded server against hostile clients and hostile pages: what is no request, who is let in,
# scripts that fail, clients that are slow.
set -u
cd "$(dirname "$0")" || exit 1
status=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp server_hostile.lua "$work/server.lua"
coproc SERVER { exec "$TIDELOCK" run "$work/server.lua" --plain --memory --log error 2>"$work/log"; }
id=$SERVER_PID
read -r -t 20 word port <&"${SERVER[0]}"
if [ "$word" != PORT ]; then
  echo "not ok hostile: the server starts: $word"
  cat "$work/log"
  exit 1
fi
"${PYTHON:-/usr/bin/python3}" server_hostile.py "$port" "$work/server.lua" || status=1
if kill -0 "$id"; then echo "ok hostile: the server lives"; else
  echo "not ok hostile: the server lives"
  tail -20 "$work/log"
  status=1
fi
kill -TERM "$id"
wait "$id"
exit $status
