#!/usr/bin/env bash
# Sticky sessions, and what a request's target is made of (client_sticky.lua, sticky_server.js).
. "$(dirname "$0")/peer.bash"
against node sticky_server.js && client client_sticky.lua
leave
exit $status
