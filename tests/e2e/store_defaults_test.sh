#!/usr/bin/env bash
# The initial state and what is kept: what a script took out stays out, over reloads and restarts;
# what is new in the initial state comes in, in objects inside objects too; undo takes it away from
# nobody. And what `persist` names.
. "$(dirname "$0")/run.bash" || exit 1
data=$PWD/data
# write INITIAL PERSIST CODE: the script s.lua, which runs CODE when it is loaded
write() {
  save s.lua <<LUA
local script, store, json = require "tidelock.script", require "tidelock.store", require "tidelock.json"
local timer = require "tidelock.timer"
timer.every("hold", 60, function() end)
local s = store.define("s", { initial = $1, persist = $2, persist_delay = 0.01 })
-- By key, sorted, whatever the order they came in.
local function text(v)
  if not store.is_view(v) then return json.encode(v) end
  local keys, out = {}, {}
  if #v > 0 then
    for i, item in ipairs(v) do out[i] = text(item) end
    return "[" .. table.concat(out, " ") .. "]"
  end
  for key in pairs(v) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do out[i] = key:gsub("\0", ".") .. "=" .. text(v[key]) end
  return "{" .. table.concat(out, " ") .. "}"
end
script.on_start(function(reason)
  print("STATE", text(s:get()))
  $3
  print("AFTER", text(s:get()))
  print("FLUSHED", s:flush())
end)
LUA
}
state() { expect "$1" "^STATE	$2\$"; }
restart() {
  stop
  start run s.lua --data "$data"
}
all='{ a = 1, b = 2, deep = { x = 1, y = { z = 2, w = 3 } }, list = { { id = 1, name = "n" } } }'
for persist in '{ "a", "b", "c", "deep", "list" }' true; do
  echo "--- persist = $persist"
  rm -rf "$data"
  write "$all" "$persist" 's:set { a = json.null } s:change(function(d) d.deep.y.z = nil d.list[1].name = nil end)'
  start run s.lua --data "$data"
  seen '^FLUSHED	true'
  gone='\{b=2 deep=\{x=1 y=\{w=3\}\} list=\[\{id=1\}\]\}'
  write "$all" "$persist" ''
  state "what was taken out stays out over a reload" "$gone"
  restart
  state "and over a restart" "$gone"
  restart
  state "and over another, though nothing was written meanwhile" "$gone"
  more='{ a = 1, b = 9, c = 3, deep = { x = 9, n = 5, y = { z = 2, w = 3, v = { 7 } } }, list = { { id = 1, name = "n", new = 1 } } }'
  filled='\{b=2 c=3 deep=\{n=5 x=1 y=\{v=\[7\] w=3\}\} list=\[\{id=1\}\]\}'
  write "$more" "$persist" ''
  state "what is new comes in, where objects are" "$filled"
  write "$more" "$persist" 's:set { c = json.null } s:change(function(d) d.deep.y.v = nil end)'
  expect "which may be taken out as well" '^AFTER	\{b=2 deep=\{n=5 x=1 y=\{w=3\}\} '
  seen '^FLUSHED	true'
  restart
  state "for good" '\{b=2 deep=\{n=5 x=1 y=\{w=3\}\} list=\[\{id=1\}\]\}'
  write "$more" "$persist" 's:reset()'
  expect "reset brings all of it" '^AFTER	\{a=1 b=9 c=3 deep=\{n=5 x=9 y=\{v=\[7\] w=3 z=2\}\} list=\[\{id=1 name="n" new=1\}\]\}'
  seen '^FLUSHED	true'
  restart
  seen '^FLUSHED'
  write "$more" "$persist" 's:set { a = json.null } s:set { a = 5 }'
  seen '^FLUSHED	true'
  restart
  expect "what came back is there" '^STATE	\{a=5 '
  stop
done

# --- what a new version finds that begins on disk
rm -rf "$data"
write '{ settings = { theme = "light" }, other = 1 }' '{ "settings" }' 's:set { other = json.null }'
start run s.lua --data "$data"
seen '^FLUSHED	true'
stop
write '{ settings = { theme = "dark", font = { size = 12 } }, other = 1, later = json.null }' '{ "settings", "added", "later" }' ''
start run s.lua --data "$data"
expect "a key of persist that the state has not is told, with the nearest" \
  'WARN  store: s:s: persist names "added", and the state has no such key$'
never "but one that may come later is not" 'persist names'
state "a restart with new defaults fills them in; what is not kept begins anew" \
  '\{other=1 settings=\{font=\{size=12\} theme="light"\}\}'
write '{ settings = { theme = "dark" }, other = 1 }' '{ "setings" }' ''
expect "a key that was misspelt is told" 'WARN  store: s:s: persist names "setings", and the state has no such key \(did you mean "settings"\?\)'
seen '^FLUSHED'
write '{ settings = { theme = "dark" }, other = 1 }' '{ "setings" }' '-- again'
seen '^FLUSHED'
is "once" "$(grep -c 'persist names "setings"' out)" 1
write '{ settings = { theme = "dark" }, other = 1 }' '"settings"' ''
expect "what is no list is refused" 'persist is a list of top-level keys, or true for all'
stop

# --- undo, and history
rm -rf "$data"
write '{ n = 0, o = { p = 1 } }' false 'for i = 1, 3 do s:set { n = i } end s:set { o = { q = 2 } }'
start run s.lua --memory
seen '^FLUSHED	true'
undo='for _ = 1, 4 do s:undo(1) print("UNDO", text(s:get())) s:undo(1) end
for n = 1, 4 do
  s:undo(n) print("BACK", n, text(s:get())) s:undo(1)
end
local h = s:history() print("SHOWN", text(h[1].state), h[1].paths[1], #h[1].paths)'
write '{ n = 0, new = { k = 1 }, o = { p = 1, r = 3 } }' false "$undo"
state "new keys come in" '\{n=3 new=\{k=1\} o=\{q=2 r=3\}\}'
expect "undo keeps them" '^UNDO	\{n=3 new=\{k=1\} o=\{p=1 r=3\}\}$'
expect "as far as history goes" '^BACK	4	\{n=[0-9] new=\{k=1\} o=\{p=1 r=3\}\}$'
expect "and history shows no change of them" '^SHOWN	\{n=1 new=\{k=1\} o=\{p=1 r=3\}\}	n	1$'
write '{ n = 0, new = { k = 1 }, o = { p = 1, r = 3 } }' false 's:reset() s:set { new = json.null } s:set { n = 9 }'
expect "what is taken out" '^AFTER	\{n=9 o=\{p=1 r=3\}\}$'
write '{ n = 0, new = { k = 1 }, o = { p = 1, r = 3 }, z = 1 }' false 's:undo(1) print("ONE", text(s:get())) s:undo(3) print("TWO", text(s:get()))'
expect "stays out where history had it out" '^ONE	\{n=0 o=\{p=1 r=3\} z=1\}$'
expect "and is in where it was in" '^TWO	\{n=0 new=\{k=1\} o=\{p=1 r=3\} z=1\}$'
stop

# --- persist = true
rm -rf "$data"
write '{ a = 1 }' true 's:set { b = { 1, 2 }, ["c\0d"] = "zero" }'
start run s.lua --data "$data"
seen '^FLUSHED	true'
stop
write '{ a = 1 }' true 's:set { b = json.null, a = 7 } print("ZERO", s:get("c\0d"))'
start run s.lua --data "$data"
state "all keys are kept" '\{a=1 b=\[1 2\] c.d="zero"\}'
expect "whatever their names hold" '^ZERO	zero'
seen '^FLUSHED	true'
stop
write '{ a = 1 }' true ''
start run s.lua --data "$data"
state "and what was taken out is not" '\{a=7 c.d="zero"\}'
seen '^FLUSHED	true'
write '{ a = 1 }' '{ "a" }' 's:set { a = 8 }'
seen '^FLUSHED	true'
write '{ a = 1 }' true 's:set { e = 1 }'
expect "they may be fewer for a time, and all again" '^AFTER	\{a=8 c.d="zero" e=1\}'
seen '^FLUSHED	true'
stop
write '{ a = 1 }' true ''
start run s.lua --data "$data"
state "without what was not there meanwhile coming back" '\{a=8 c.d="zero" e=1\}'
stop
finish
