#!/usr/bin/env bash
# What is no whole save: emptied files, halves that load and declare nothing, halves that do not
# compile, files that are gone for a moment. None of it ends the process or shows as an error, when
# the rest comes in time; and when it does not come it counts.
. "$(dirname "$0")/run.bash" || exit 1

mkdir app lib
full() { # NAME
  cat <<LUA
-- a head of comments, as licences have it
local timer, script = require "tidelock.timer", require "tidelock.script"
timer.every(0.05, function() end) -- has no name: it ends with its version
script.on_start(function() print("version", "$1", require("words")) end)
LUA
}
echo 'return "word"' >lib/words.lua
full one >app/main.lua
start run --memory app
expect "starts" '^version	one	word$'

# half NAME TEXT SECONDS: the file holds TEXT for so long, then the whole.
half() {
  printf "$2" >app/main.lua
  sleep "$3"
  full "$1" >app/main.lua
  expect "$1" "^version	$1	word\$"
}
half emptied '' 0.3
half "almost-a-second" '' 0.7
half blanks ' \n\t\r\n' 0.3
half comments '-- a head of comments, as licences have it\n' 0.3
half long-comments '\n--[==[ a ]]\n]=] return 1 ]==] -- and\n' 0.3
half half-a-comment '--[[ a head\n' 0.3
half shebang '#!/usr/bin/env tidelock\n' 0.3
half mark '\xef\xbb\xbf' 0.3
half no-syntax 'local timer, script = require "tidelock.tim' 0.03
never "none of it was loaded or told" 'ERROR|WARN'
is "each was one reload" "$(grep -c 'INFO  app: reloaded' out)" 9

printf '' >lib/words.lua
sleep 0.3
echo 'return "next"' >lib/words.lua
expect "a module that is empty for a moment" '^version	mark	next$|^version	no-syntax	next$'
mv lib/words.lua away && sleep 0.03 && sed s/next/word/ away >lib/words.lua
expect "a module that is gone for a moment" '^version	no-syntax	word$'

# What loads, and declares nothing: it holds the process while its predecessor's rest has its grace.
half declares-nothing '-- a head of comments\nlocal timer, script = require "tidelock.timer", require "tidelock.script"\n' 1.5
half empty-for-long '' 2
never "no error" 'ERROR'

# Other scripts beside it, and what ends by itself.
: >app/main.lua
begun=$(date +%s%N)
ended
took=$((($(date +%s%N) - begun) / 1000000))
is "what stays empty ends the process" "$status" 0
if [ $took -gt 5500 ] && [ $took -lt 9000 ]; then ok "after its second and the grace"; else not_ok "after its second and the grace" "$took ms"; fi

# Halves of every length, of a file whose halves may well compile.
full first >app/main.lua
start run --memory app
expect "starts again" '^version	first	word$'
for i in {1..12}; do
  full "cut-$i" >text
  head -c $((i * $(wc -c <text) / 13)) text >app/main.lua
  sleep 0.0$((i * 5 + 30))
  cat text >app/main.lua
  expect "cut after $i thirteenths" "^version	cut-$i	word\$"
done
: >app/main.lua
kill -HUP "$pid"
expect "what is asked for by hand counts at once" 'INFO  app: reloaded \(generation [0-9]*; main.lua\)'
full last >app/main.lua
expect "and the next save as well" '^version	last	word$'
stop
finish
