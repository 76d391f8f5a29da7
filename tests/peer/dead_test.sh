#!/usr/bin/env bash
# A network that dies without a word (client_dead.lua).
. "$(dirname "$0")/peer.bash"
against node dead_server.js && client client_dead.lua
leave
exit $status
