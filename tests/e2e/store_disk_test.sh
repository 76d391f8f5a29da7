#!/usr/bin/env bash
# What a store says of what is not on disk: flush in all its endings, a full disk, a read-only
# file, broken files. Disks of our own need a mount namespace: where there is none, those are
# skipped, and say so.
case ${IN_NAMESPACE:=} in
'')
  for how in "unshare -m" "unshare -Urm"; do
    $how sh -c 'mount -t tmpfs -o size=64k none "$1"' _ "${TMPDIR:-/tmp}" 2>/dev/null || continue
    IN_NAMESPACE=yes exec $how "$0"
  done
  export IN_NAMESPACE=no
  ;;
esac
. "$(dirname "$0")/run.bash"
work=$PWD data=$PWD/data
cleanup() {
  [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
  cd / && umount -l "$work/disk" "$work/data/default/state.db" 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT
write() { # KEYS BODY: the script s.lua
  cat >s.lua <<LUA
local script, store, task = require "tidelock.script", require "tidelock.store", require "tidelock.task"
local timer, heard = require "tidelock.timer"
local s = store.define("s", { initial = { n = 0 }, persist = { $1 }, persist_delay = ${delay:-3000} })
s:on_error(function(err)
  print("HEARD", err and err.code, err and err.message, s:unsaved())
  if heard then heard(err) end
end)
$2
LUA
}

# --- flush
write '"n", "x"' '
print("TOP", pcall(s.flush, s))
script.on_start(function()
  print("BEGIN", s:unsaved(), s:flush())
  s:set { n = 1 }
  print("CHANGED", s:unsaved())
  print("FLUSHED", s:flush(), s:unsaved())
  s:set { n = 2 }
  local both = task.all { function() return s:flush() end, function() return s:flush() end }
  print("TWO", s:unsaved(), #both)
  print("INSIDE", pcall(s.change, s, function() s:flush() end))
  s:set { n = 3, x = 0 / 0 }
  print("REFUSED", s:flush())
  print("LATER", s:flush())
  local waiting = task.spawn(function() s:set { n = 4 } print("WAITED", pcall(s.flush, s)) end)
  task.spawn(function() waiting:cancel() end)
  task.sleep(0.01)
  local free = store.define("free", { initial = { n = 1 } })
  free:set { n = 2 }
  print("FREE", free:unsaved(), free:flush())
  task.spawn(function() s:set { n = 5 } print("EXITING", pcall(s.flush, s)) end)
  task.spawn(function() script.exit() end)
end)
script.on_stop(function()
  s:set { n = 6 }
  print("STOP", s:unsaved(), s:flush())
end)'
run_to run s.lua --data "$data" --no-watch
expect "a top level cannot wait for the disk" "^TOP	false	.*while the script loads"
expect "nothing is unsaved at the start" "^BEGIN	false	true$"
expect "what was changed is" "^CHANGED	true$"
expect "flush waits until it is not" "^FLUSHED	true	false$"
expect "two may wait" "^TWO	false	2$"
expect "a change cannot" "^INSIDE	false	.*flush waits"
expect "what cannot be kept is heard" "^HEARD	DECODE	.*x: .*NaN"
expect "and is no success" "^REFUSED	nil	DECODE: .*s:s.*NaN"
expect "which what comes after it is" "^LATER	true$"
expect "a task that waits can be cancelled" "^WAITED	false	CANCELLED"
expect "a store that keeps nothing has nothing unsaved" "^FREE	false	true$"
expect "the end of all cancels too" "^EXITING	false	CANCELLED"
expect "on_stop may wait for the disk" "^STOP	true	true$"
is "and ends well" $status 0

# --- broken files
db=$data/default/state.db
rm -rf "$data"
write '"n"' 's:subscribe("n", print) script.on_start(function() print("N", s:get "n") s:set { n = 7, other = 1 } end)'
broken() { # NAME COMMAND...: the file after it
  local name=$1
  shift
  rm -rf "$data"
  run_to run s.lua --data "$data" --no-watch
  "$@"
  cp "$db" copy
  run_to run s.lua --data "$data" --no-watch
  expect "$name: is told" "^HEARD	IO	.*state.db cannot be read as a database; it was set aside as .*state.db.broken-"
  is "$name: the store begins anew" "$(grep -c "^N	0" out)" 1
  is "$name: and says so in the log, once" "$(grep -c "ERROR .*set aside" out)" 1
  if cmp -s copy "$db".broken-*; then ok "$name: it is kept as it was"; else not_ok "$name: it is kept as it was"; fi
  run_to run s.lua --data "$data" --no-watch
  is "$name: what is new is kept" "$(grep -c "^N	7" out)" 1
}
broken "no database" cp s.lua "$db"
broken "a truncated one" truncate -s 5000 "$db"
garble() { head -c 8192 /dev/urandom | dd of="$db" bs=4096 seek=1 conv=notrunc 2>/dev/null; }
broken "garbage in it" garble

# --- a file that may not grow
delay=0.01
write '"x"' '
heard = function(err)
  if err then print("FLUSH", s:flush()) else print("AGAIN", #s:get "x", s:flush()) end
end
script.on_start(function() s:set { x = ("x"):rep(300000) } end)
timer.every("hold", 60, function() end)'
limited=$work/limited
start_limited() { # BLOCKS ARGS...
  : >out
  mark=1
  (ulimit -S -f "$1" && shift && exec "$TIDELOCK" "$@") >>out 2>&1 </dev/null &
  pid=$!
}
start_limited 100 run s.lua --data "$limited" --no-watch
expect "a file that may not grow is heard of" "^HEARD	IO	.*disk I/O error	true"
expect "flush tells it, and the process goes on" "^FLUSH	nil	IO: .*disk I/O error"
prlimit --pid "$pid" --fsize=unlimited
expect "writing goes on when it may" "^HEARD	nil	nil	"
expect "with all that was to be written" "^AGAIN	300000	true$"
stop
head -c 102400 /dev/zero >log
start_limited 100 run s.lua --data "$limited.log" --no-watch --log-file log
expect "a log that may not grow goes on elsewhere" "cannot write the log: File too large"
kill "$pid"
ended
is "and ends nothing" $status 143

# --- disks
if [ "$IN_NAMESPACE" = no ]; then
  echo "not ok a full and a read-only disk # SKIP no mount namespace can be had here"
  finish
  exit
fi
delay=0.01
mkdir disk
mount -t tmpfs -o size=2m none disk
head -c 1800k /dev/zero >disk/ballast
write '"x"' '
heard = function(err)
  if err then print("FLUSH", s:flush()) else print("AGAIN", #s:get "x", s:flush()) end
end
script.on_start(function() s:set { x = ("x"):rep(300000) } end)
timer.every("hold", 60, function() end)'
start run s.lua --data "$work/disk" --no-watch
expect "a full disk is heard of" "^HEARD	IO	.*full.*	true"
expect "flush tells it" "^FLUSH	nil	IO: .*full"
rm disk/ballast
expect "writing goes on when there is room" "^HEARD	nil	nil	"
expect "with all that was changed meanwhile" "^AGAIN	300000	true$"
stop

rm -rf "$data"
write '"n"' '
heard = function(err)
  if err then print("FLUSH", s:flush()) else print("AGAIN", s:get "n", s:flush()) end
end
script.on_start(function()
  print("N", s:get "n")
  s:set { n = s:get "n" + 1 }
  print("SAVED", s:flush())
end)
timer.every("hold", 60, function() end)'
start run s.lua --data "$data" --no-watch
expect "a file is written" "^SAVED	true"
stop
mount --bind "$db" "$db" && mount -o remount,bind,ro "$db"
start run s.lua --data "$data" --no-watch
expect "a read-only file is read" "^N	1"
expect "that it cannot be written is heard of" "^(HEARD	IO|SAVED	nil	IO).*readonly"
umount -l "$db"
expect "writing goes on when it can" "^AGAIN	2	true"
stop
finish
