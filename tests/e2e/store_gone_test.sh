#!/usr/bin/env bash
# The place of what is kept goes away while a process has it: the folder or the file is moved,
# deleted or replaced. flush says so, also when nothing waits to be written; nothing is written into
# what lies there instead; when the place is back, all is written.
. "$(dirname "$0")/run.bash" || exit 1
data=$PWD/data
cat >s.lua <<'LUA'
local script, store, timer = require "tidelock.script", require "tidelock.store", require "tidelock.timer"
local input = require "tidelock.input"
local s = store.define("s", { initial = { n = 0 }, persist = { "n" }, persist_delay = 0.01 })
s:on_error(function(err) print("HEARD", err and err.code) end)
timer.every("hold", 60, function() end)
input.on_line(function(line)
  if line == "change" then s:set { n = s:get "n" + 1 } end
  print("FLUSHED", line, s:get "n", s:flush())
end)
script.on_start(function() print("STATE", s:get "n") end)
LUA
mkfifo in
begin() {
  exec 7<>in
  : >out
  mark=1
  "$TIDELOCK" run s.lua --data "$data" --no-watch <&7 >>out 2>&1 &
  pid=$!
  seen '^STATE'
}
ask() { echo "$1" >&7; }
gone() { # NAME
  ask look
  expect "$1: flush says so" '^FLUSHED	look	[0-9]+	nil	IO: .*state.db is gone, or another file is there now'
  ask change
  expect "$1: and so after a change" '^FLUSHED	change	[0-9]+	nil	IO: .*state.db is gone'
  expect "$1: it is heard" '^HEARD	IO$'
}
back() { # NAME
  expect "$1: writing goes on" '^HEARD	nil$'
  ask look
  expect "$1: flush says so again" '^FLUSHED	look	[0-9]+	true$'
}
begin
ask change
expect "it is there" '^FLUSHED	change	1	true$'
mv data away
gone "a folder that is moved"
is "a folder that is moved: it is not made anew" "$(ls -d data 2>/dev/null)" ""
mkdir -p data/default
ask look
expect "another one in its place is left alone" '^FLUSHED	look	[0-9]+	nil	IO'
is "another one in its place: nothing is in it" "$(ls data/default)" ""
rm -r data && mv away data
back "a folder that is moved"
mv data/default/state.db kept.db
gone "a file that is moved"
cp kept.db data/default/state.db
ask look
expect "a copy in its place is not it" '^FLUSHED	look	[0-9]+	nil	IO'
mv kept.db data/default/state.db
back "a file that is moved"
stop
begin
is "all is there after that" "$(grep '^STATE' out)" "STATE	3"
rm -r data
gone "a folder that is deleted"
stop
if grep -q 'the last changes were not saved: .*is gone' out; then ok "and so is what was lost, at the end"; else not_ok "what was lost is told"; fi
finish
