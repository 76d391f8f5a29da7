#!/usr/bin/env bash
# permessage-deflate (tests/peer/client_deflate.lua against deflate_server.js).
. "$(dirname "$0")/peer.bash"
against node deflate_server.js && client client_deflate.lua
leave
exit $status
