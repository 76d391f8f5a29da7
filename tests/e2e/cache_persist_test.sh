#!/usr/bin/env bash
# A cache with persist = true: what it holds outlives kill -9, what went does not come back, values
# are read when they are asked for, a damaged row is dropped and told once, a disk that is full is
# gone on without.
. "$(dirname "$0")/run.bash" || exit 1
data=$PWD/data
bot() { # CODE [OPTIONS]
  save bot.lua <<LUA
local cache, script, timer = require "tidelock.cache", require "tidelock.script", require "tidelock.timer"
local json = require "tidelock.json"
local c = cache.open("c", { persist = true, max_entries = 1000, ${2:-} })
script.on_start(function()
  $1
  print "DONE"
end)
timer.every(60, function() end)
LUA
}
run() { start run --no-watch --data "$data" bot.lua; }
sql() { # QUERY: the first number that it gives
  "$PYTHON" - "$data/default/state.db" "$1" 2>/dev/null <<'PY'
import sqlite3, sys
sql = sqlite3.connect(sys.argv[1], timeout=5)
row = sql.execute(sys.argv[2]).fetchone()
sql.commit()
print(row[0] if row else "")
PY
}
until_is() { # NAME QUERY WANT: waits until the query gives that
  local got
  for ((i = 0; i < 600; i++)); do
    got=$(sql "$2")
    [ "$got" = "$3" ] && ok "$1" && return
    read -r -t 0.05 _ <><(:)
  done
  not_ok "$1" "got \"$got\", expected \"$3\""
}
killed() {
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null
  pid=
}

bot 'for i = 1, 100 do c:set({ "p", i }, { n = i, list = { 1.5, true, json.null, "x" } }, { tags = { "t" .. i % 2 } }) end
  c:set("user:1", false) c:set("gone", 1) c:delete "gone" c:set({ o = { 1 } }, "o", { ttl = math.huge })'
run
expect "it begins" '^DONE$'
until_is "each entry is a row" "SELECT count(*) FROM cached" 102
killed
bot 'local v = c:get { "p", 7 }
  print("GOT", v.n, v.list[1], v.list[2], v.list[3] == json.null, #v.list, c:get "user:1", c:get "gone", c:get { o = { 1.0 } })
  print("TTL", c:entries()[1].ttl, c:stats().size, c:stats().bytes > 10000)
  print("AGE", c:entries()[1].age < 60 and c:entries()[1].age >= 0)
  print("TAG", c:invalidate_tag "t0", c:invalidate { "p", 1 }, c:invalidate_pattern "user:*", c:stats().size)
  c:set({ "p", 3 }, "new")'
run
expect "values come back after kill -9" '^GOT	7	1.5	true	true	4	false	nil	o$'
expect "ttl and sizes too" '^TTL	inf	102	true$'
expect "ages go on" '^AGE	true$'
expect "what was not read is found by tag, prefix and pattern" '^TAG	50	1	1	50$'
until_is "and its rows go" "SELECT count(*) FROM cached" 50
stop
bot 'print("LEFT", c:stats().size, c:get { "p", 3 }, c:get { "p", 2 }, c:get { "p", 5 }.n)'
run
expect "what was invalidated stays away, what was set anew is new" '^LEFT	50	new	nil	5$'
killed

bot 'for i = 1, 1500 do c:set(i, i) end print(c:stats().size)'
run
expect "more than it may hold" '^1000$'
until_is "evicted ones leave no row" "SELECT count(*) FROM cached" 1000
until_is "the newest are there" "SELECT count(*) FROM cached WHERE json = '1500'" 1
stop
bot 'print("SIZE", c:stats().size, c:get(1500), c:get(1499))' 'max_entries = 10'
run
expect "smaller bounds evict what is kept" '^SIZE	10	1500	1499$'
until_is "on the disk, too" "SELECT count(*) FROM cached" 10
stop

sql "UPDATE cached SET json = '{broken' WHERE json IN ('1491', '1492')" >/dev/null
bot 'print("BROKEN", c:get(1491), c:get(1492), c:get(1500), c:stats().size)'
run
expect "a damaged row is told" 'an entry of bot:c cannot be read, and is dropped'
never "once" 'cannot be read'
expect "and dropped" '^BROKEN	nil	nil	1500	8$'
until_is "its row goes" "SELECT count(*) FROM cached" 8
stop

sql "UPDATE cached SET made = made - 1000" >/dev/null
bot 'print("OLD", c:get(1500), c:stats().size)'
run
expect "an age that contradicts the boot clock makes it stale, and it goes" '^OLD	nil	0$'
stop
bot 'c:set("a", 1) c:set("b", 2, { ttl = 5000 })' 'keep_stale = 3600'
run
expect "two more" '^DONE$'
until_is "are written" "SELECT count(*) FROM cached" 2
killed
sql "UPDATE cached SET made = made - 1000, boot = boot - 1000" >/dev/null
bot 'local v, age, fresh = c:peek "a" print("STALE", v, age > 999, fresh, c:get "a", c:get "b")' 'keep_stale = 3600'
run
expect "one that was over while nothing ran is stale, another goes on" '^STALE	1	true	false	nil	2$'
stop
sql "UPDATE cached SET made = made + 100000" >/dev/null
bot 'local v, _, fresh = c:peek "b" print("FUTURE", v, fresh, c:get "b")' 'keep_stale = 3600'
run
expect "one from the future is stale" '^FUTURE	2	false	nil$'
stop

tide() { out=$("$TIDELOCK" data "$@" --data "$data" 2>&1); }
has() { if grep -qE -e "$2" <<<"$out"; then ok "$1"; else not_ok "$1" "no line like $2 in: $out"; fi; }
bot 'c:clear() c:set({ "p", 1, { a = true } }, { n = 1 }) c:set("s", 2)'
run
expect "two for tidelock data" '^DONE$'
until_is "written" "SELECT count(*) = 2 AND max(json = '2') AND max(json <> '2') AND min(length(json)) = 1
  AND max(json LIKE '{%') FROM cached" 1
killed
tide list
has "tidelock data lists a cache" '^bot:c +cache +entries 2 +[0-9]+ bytes$'
tide show bot:c
has "shows keys" '"key": *"s"'
is "and values" "$(tr -d ' \n' <<<"$out" | grep -c '"key":\["p",1,{"a":true}\],"value":{"n":1}')" 1
tide export cache:bot:c
has "exports it" '"cache:bot:c"'
tide reset bot:c
has "and empties it" '^bot:c begins anew; what the cache held is removed$'
tide list
has "for good" '^nothing is kept'

bot 'c:set("nan", { 0 / 0 }) c:set("fine", 1)'
run
expect "NaN stays in memory" '^DONE$'
expect "and that is logged" 'an entry of bot:c cannot be kept on the disk'
until_is "the others are written" "SELECT count(*) FROM cached WHERE json = '1'" 1
stop
start run --no-watch --memory bot.lua
expect "--memory keeps nothing, and says so" 'the cache c is kept in memory alone'
stop
run
expect "one process has it" '^DONE$'
timeout 60 "$TIDELOCK" run --no-watch --data "$data" bot.lua >second 2>&1 </dev/null
is "a second one is refused" "$?" 78
is "and told who has it" "$(grep -c "$pid" second)" 1
stop
finish
