#!/usr/bin/env bash
# Who takes a connection and then says nothing, at each step of the way (client_silent.lua).
. "$(dirname "$0")/peer.bash"
against node silent_server.js && client client_silent.lua
leave
exit $status
