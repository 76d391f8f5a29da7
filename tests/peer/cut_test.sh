#!/usr/bin/env bash
# Connections that break: cut at every CUT_STEP-th byte of a conversation, or gone silent
# (tests/peer/client_cut.lua against cut_server.js).
. "$(dirname "$0")/peer.bash"
export STEP=${CUT_STEP:-5}
against node cut_server.js --pingInterval=300 --pingTimeout=200 && client client_cut.lua
leave
exit $status
