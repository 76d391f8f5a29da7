#!/usr/bin/env bash
# A way that swallows one request of a step, or of each (client_swallow.lua).
. "$(dirname "$0")/peer.bash"
against node swallow_server.js && client client_swallow.lua
leave
exit $status
