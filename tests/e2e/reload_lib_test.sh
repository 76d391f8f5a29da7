#!/usr/bin/env bash
# A file of lib/ that is saved reloads the scripts that use it, directly or by way of others, in
# the order of dependence and as one; no other script beside them. The number that each start
# says counts its loads: so it tells of those that were not to be as well.
. "$(dirname "$0")/run.bash" || exit 1

# script NAME LINE...: a script that says its start, with its number and `a`
script() {
  local name=$1
  shift
  printf '%s\n' 'local script, timer = require "tidelock.script", require "tidelock.timer"' "$@" \
    "timer.every('hold', 60, print)" \
    "script.on_start(function() print('$name', script.generation, a) end)" >"$name.lua"
}
other() { # A: takes modules by their names, from standard input
  script other "local a = '$1'" 'pcall(require, "late")' \
    'require("tidelock.input").on_line(function(name) print("required", pcall(require, name)) end)'
}
mkdir lib
echo 'return "a1"' >lib/a.lua
echo 'return require "a"' >lib/by.lua
echo 'return "lazy1"' >lib/lazy.lua
# The one that attaches is added first.
script user 'local a = require "by"' 'require("tidelock.store").attach("owner:state")'
script owner 'local a = require "a"' 'require("tidelock.store").define("state", {initial = {}, share = "read"})'
other 1

: >out
mkfifo in
exec 3<>in
"$TIDELOCK" run --memory user.lua owner.lua other.lua >>out 2>&1 <in &
pid=$!
expect "three scripts start" '^other	1	1$'

# --- who reloads ----------------------------------------------------------------------------
echo 'return "a2"' | save lib/a.lua
expect "the owner is told" 'INFO  owner: reloaded \(generation 2; lib/a.lua\)'
expect "and the one that uses the file by way of another" 'INFO  user: reloaded \(generation 2; lib/a.lua\)'
expect "the owner starts first" '^owner	2	a2$'
expect "then who attaches to it" '^user	2	a2$'
echo 'return 0' | save lib/none.lua
other 2
expect "a third that uses none of it did not reload; nor does anybody for a file that none uses" '^other	2	2$'
echo 'return 0' | save lib/late.lua
expect "a file that a script asked for in vain" '^other	3	2$'

# --- one fails: none ------------------------------------------------------------------------
echo 'error("no")' | save lib/by.lua
expect "a file of one alone is an error of its own" 'ERROR user: lib/by.lua:1: no'
echo 'return 1' | save lib/none.lua
echo 'return "a3"' | save lib/a.lua
expect "of two that use what changed, one cannot" 'ERROR user: lib/by.lua:1: no'
expect "it says so for itself" '  the reload is given up: the previous generation goes on'
expect "and holds the other back, which is told with the file" \
  'WARN  owner: held back by user, with which it shares lib/a.lua: the previous generation goes on'
echo 'return require "a" .. "!"' | save lib/by.lua
expect "then mended: the other comes with it" '^owner	3	a3$'
expect "in order" '^user	5	a3!$'
never "nobody was held back again" 'held back'
echo 'error("both")' | save lib/a.lua
expect "an error in the file itself" 'ERROR user: lib/a.lua:1: both'
expect "is told once, and who shares it" 'WARN  owner: held back by user, with which it shares lib/a.lua'
echo 'return 2' | save lib/none.lua
other 3
expect "what another saves meanwhile is loaded" '^other	4	3$'
is "once" "$(grep -c 'ERROR .*lib/a.lua:1: both' out)" 1
echo 'return "a4"' | save lib/a.lua
expect "mended: both" '^owner	4	a4$'
expect "both" '^user	7	a4!$'

# --- what is required later -----------------------------------------------------------------
echo 'return "lazy2"' | save lib/lazy.lua
echo 'return "a5"' | save lib/a.lua
expect "a save of what nobody has required yet reloads nobody" '^user	8	a5!$'
echo lazy >&3
expect "when it is required it is the newest" '^required	true	lazy2'
echo 'return "lazy3"' | save lib/lazy.lua
expect "from then on a save reloads" 'INFO  other: reloaded \(generation 5; lib/lazy.lua\)'
echo lazy >&3
expect "with what was saved" '^required	true	lazy3'
stop
finish
