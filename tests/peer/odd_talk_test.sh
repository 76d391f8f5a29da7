#!/usr/bin/env bash
# Servers that say what they should not (client_odd_talk.lua).
. "$(dirname "$0")/peer.bash"
if against node odd_talk_server.js; then
  NAMES=$("${PYTHON:-/usr/bin/python3}" -c 'import sys, urllib.request as web
print(web.urlopen(sys.argv[1]).read().decode())' "$WS_URL/names")
  export NAMES
  client client_odd_talk.lua
fi
leave
exit $status
