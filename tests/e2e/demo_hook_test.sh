#!/usr/bin/env bash
# A script of one's own beside the demo's: it is attached to the client's connection.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=$(printf 'three small words\n/quit\n' | "$TIDELOCK" demo --plain --memory examples/hook.lua 2>&1)
rc=$?
if [ $rc = 0 ] && grep -q 'hook: Demo wrote 3 words' <<<"$out"; then echo "ok a hook beside the demo"; else
  echo "not ok a hook beside the demo: exit $rc"
  echo "$out"
  exit 1
fi
