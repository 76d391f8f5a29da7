#!/usr/bin/env bash
# The examples in docs/scripts.md, docs/tasks.md and docs/socket.md are run as they stand.
docs=$(cd "$(dirname "$0")/../../docs" && pwd)
. "$(dirname "$0")/run.bash" || exit 1

# example FILE N: the Nth block of Lua in it
example() {
  awk -v want="$2" '/^```lua$/ { n++; inside = n == want; next } /^```$/ { inside = 0 } inside' "$docs/$1"
}
example scripts.md 1 >declares.lua
[ -s declares.lua ] || not_ok "docs/scripts.md has an example"
start run declares.lua
expect "docs/scripts.md: on_start" '^start$'
expect "docs/scripts.md: the timer" '^tick$'
kill -TERM "$pid"
expect "docs/scripts.md: on_stop" '^stop$'
ended
example tasks.md 1 >tasks.lua
[ -s tasks.lua ] || not_ok "docs/tasks.md has an example"
run_to run tasks.lua
is "docs/tasks.md: the first ends" "$status" 0
expect "docs/tasks.md: await" '^done: first$'
expect "docs/tasks.md: all fails with what is not there, or gives both" '^(CONNECT: |[0-9]+	[0-9]+$)'
example tasks.md 2 >list_test.lua
run_to test list_test.lua
is "docs/tasks.md: the test" "$(tail -1 out)" "2 passed, 0 failed"
example socket.md 2 >sending.lua
[ -s sending.lua ] || not_ok "docs/socket.md has a second example"
coproc PEER { cd "$docs/../tests/peer" && exec node socketio_server.js 2>&1; }
read -r -t 20 _ port <&"${PEER[0]}"
WS_URL=http://127.0.0.1:$port start run sending.lua
expect "docs/socket.md: the call is answered" '^the server has it$'
kill -TERM "$pid"
ended
is "docs/socket.md: nothing failed" "$(grep -v -e '^the server has it$' -e '^heard ' out)" ""
# Every option that the editor types have stands in the table.
meta=$docs/../stdlib/meta
for option in $(sed -n '/^---@class tidelock.SocketOptions/,/^$/s/^---@field \([a-z_]*\).*/\1/p' "$meta/socket.lua") \
  $(sed -n '/^---@class tidelock.Route/,/^$/s/^---@field \([a-z_]*\).*/\1/p' "$meta/http.lua"); do
  options="${options:-} $option"
  sed -n '/^## Options/,/^## Connecting/p' "$docs/socket.md" | grep -q "\`$option\`" ||
    not_ok "docs/socket.md tells of each option" "not of $option"
done
is "docs/socket.md: options were looked for" "$(($(wc -w <<<"${options:-}") > 30))" 1
finish
