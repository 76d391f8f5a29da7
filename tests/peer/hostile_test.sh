#!/usr/bin/env bash
# Polling servers that go wrong, and upgrades that fail: tests/peer/client_hostile.lua against
# hostile_server.js.
. "$(dirname "$0")/peer.bash"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UNIX_PATH=$work/s
against node hostile_server.js && client client_hostile.lua
leave
exit $status
