#!/usr/bin/env bash
# tidelock data: what is kept is listed, shown, exported, set aside and brought back, so that nothing
# is ever lost, and not while a process has the profile.
. "$(dirname "$0")/run.bash" || exit 1
data=$PWD/data
write() { # VERSION CODE [MIGRATE]
  save s.lua <<LUA
local script, store, json = require "tidelock.script", require "tidelock.store", require "tidelock.json"
local timer = require "tidelock.timer"
script.keep_options { persist = true }
local s = store.define("s", { initial = { n = 0, list = json.array {} }, persist = true, version = $1, migrate = ${3:-nil} })
script.on_start(function()
  print("STATE", s:get "n", #s:get "list", script.keep.n)
  $2
  s:flush()
end)
LUA
}
tide() { # ARGS...: output in $out, status in $status
  out=$("$TIDELOCK" data "$@" --data "$data" 2>err)
  status=$?
  err=$(cat err)
}
has() { # NAME TEXT
  if grep -qE -e "$2" <<<"$out"; then ok "$1"; else not_ok "$1" "no line like $2 in: $out $err"; fi
}
told() { # NAME STATUS TEXT
  if [ $status = "$2" ] && grep -qE -e "$3" <<<"$err"; then ok "$1"; else not_ok "$1" "$status: $err"; fi
}
json() { "$PYTHON" -c "import json, sys; d = json.load(sys.stdin); print($1)" <<<"$out"; }
state() { # NAME PATTERN
  run_to run s.lua --data "$data" --no-watch
  expect "$1" "^STATE	$2\$"
}

tide list
has "nothing is there at first" '^nothing is kept in .*/data/default$'
is "and nothing is made by looking" "$(ls -d data 2>/dev/null)$status" 0
tide export
is "nor by an export" "$out" "{}"
tide show s:s
told "what is not there is told" 1 'nothing is kept: there is no .*state.db'

write 1 's:change(function(d) d.n = 1 for i = 1, 3000 do d.list[i] = { i = i, text = ("\0é\"\n"):rep(3) } end end) script.keep.n = 7'
state "a first run" '0	0	nil'
tide list
has "a store is listed" '^s:s +store +version 1  [0-9]{5,} bytes$'
has "script.keep too" '^s +script.keep +version 1  [0-9]+ bytes$'
tide show s:s
has "it can be shown" '^  "n": 1,?$'
tide export
is "an export is JSON" "$(json 'd["s:s"]["kind"], d["s:s"]["version"], len(d["s:s"]["state"]["list"]), d["s:s"]["state"]["list"][2999]["i"], d["s"]["state"]["n"]')" \
  "store 1 3000 3000 7"
is "with every character" "$(json 'd["s:s"]["state"]["list"][5]["text"] == "\0é\"\n" * 3')" True
tide export s
is "of what is named" "$(json 'sorted(d)')" "['s']"
tide show s:t
told "a name that is not there is told, with the nearest" 1 'nothing is kept under the name s:t \(did you mean "s:s"\?\)'
tide show
told "show takes a name" 2 'data show takes names'
tide shwo s:s
told "an action that there is not" 2 'data knows list, show'
tide
told "and none" 2 'list\|show\|export\|restore\|reset'

tide reset s:s
has "reset sets aside" '^s:s begins anew; what was kept is set aside as s:s~broken-[0-9.]+$'
first=$(grep -o 's:s~broken-[0-9.]*' <<<"$out")
tide reset s:s
told "once" 1 'nothing is kept under the name s:s'
tide reset "$first"
told "what is aside cannot be reset" 1 'was set aside already'
tide list
has "what is aside is listed, with its time" "^$first +store +version 1  [0-9]+ bytes  set aside 20[0-9-]+ [0-9:]+\$"
state "the next run begins anew" '0	0	7'
tide restore "$first"
has "it is brought back" "^s:s is back, from $first; what was there is set aside as s:s~broken-"
second=$(grep -o 's:s~broken-[0-9.]*$' <<<"$out")
write 1 ''
state "and is as it was" '1	3000	7'
tide restore s:s
told "what was not set aside cannot be brought back" 1 's:s was not set aside'
tide restore "$second"
has "the other as well" "^s:s is back, from $second; what was there"
third=$(grep -o 's:s~broken-[0-9.]*$' <<<"$out")
tide reset s:s s
is "several at once" "$(grep -c 'begins anew' <<<"$out")$status" 20
tide restore "$third"
has "where nothing is, nothing is set aside" "^s:s is back, from $third\$"
state "keep begins anew as well" '1	3000	nil'
tide list
tide restore "$(grep -o '^s~broken-[0-9.]*' <<<"$out")"
state "and is brought back" '1	3000	7'

# --- a migration that fails, and a way out
write 2 '' 'function() error "not today" end'
run_to run s.lua --data "$data" --no-watch
expect "a migration that fails" 'from version 1 to 2, failed: .*not today'
is "fails the start" $status 78
tide list
has "and left all as it was" '^s:s +store +version 1 '
write 0 ''
run_to run s.lua --data "$data" --no-watch
expect "a version that fell says what can be done" 'tidelock data reset s:s'
tide reset s:s
state "which helps" '0	0	7'

tide list s:s
told "list takes no names" 2 'data list takes no names: show and export do'

# --- while a process has it
write 1 's:set { n = 5 } s:flush() print "HELD"'
echo 'timer.every("hold", 60, function() end)' >>s.lua
start run s.lua --data "$data" --no-watch
expect "a process has the profile" '^HELD'
tide reset s:s
told "reset is refused" 1 "the data in .* is in use by another tidelock, process $pid: end that first"
tide restore "$second"
told "restore as well" 1 "in use by another tidelock, process $pid"
tide list
has "looking is not" '^s:s +store'
kill -KILL "$pid"
ended
tide reset s:s
has "when it is gone they work" '^s:s begins anew'

# --- files that are broken
cp data/default/state.db whole.db
head -c 3000 /dev/urandom >data/default/state.db
rm -f data/default/state.db-*
tide list
told "a broken file is told" 1 'cannot read .*state.db: '
write 1 ''
run_to run s.lua --data "$data" --no-watch
tide list
has "which a run sets aside: it is listed" '^state.db.broken-[0-9]+ +file +set aside 20'
file=$(grep -o 'state.db.broken-[0-9]*' <<<"$out" | head -1)
cp whole.db "data/default/$file"
tide restore "$file"
has "and can be brought back" "^state.db is back, from $file; what was there is set aside as state.db.broken-[0-9.]+\$"
tide list
has "with all that it holds" '^s:s~broken-'
tide restore state.db.broken-1
told "one that is not there is told" 1 'there is no state.db.broken-1 in'
tide list --profile other
has "another profile is another" '^nothing is kept in .*/other'
tide list --memory
told "--memory belongs to other commands" 2 '--memory belongs to'
finish
