#!/usr/bin/env bash
# The examples in docs/scripts.md and docs/tasks.md are run as they stand.
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
finish
