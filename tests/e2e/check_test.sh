#!/usr/bin/env bash
# What `tidelock check` warns of: globals that nobody defines, names out of reach, and modules that
# are required later and are not there, or do not compile.
. "$(dirname "$0")/run.bash"

warned() { sed -n 's/^[^ ]* WARN  [^ :]*: //p' out; }
# warns NAME WANT...: so many, and each of these; the load itself is fine
warns() {
  local name=$1 want
  shift
  is "$name: status 0" "$status" 0
  is "$name: as many" "$(warned | wc -l)" $#
  for want; do
    warned | grep -qF -e "$want" || not_ok "$name: $want"
  done
}
checks() { # NAME: standard input as x.lua
  cat >x.lua
  run_to check x.lua
}

checks <<'LUA'
local script = require "tidelock.script"
script.on_start(function(reason)
  print(reasn)
  local inner = function() return function() return deeper end end
  table.insert(inner, undefined1.field)
  undefined2()
  undefined3.x = 1
  local a <const>, b = 5, undefined4
  for _ in pairs(undefined5) do end
  return { undefined6, [undefined7] = -undefined8 .. a .. b }
end)
LUA
warns 'globals that nobody defines' 'x.lua:3: undefined global "reasn"' 'x.lua:4: undefined global "deeper"' \
  'x.lua:5: undefined global "undefined1"' 'x.lua:6: undefined global "undefined2"' 'x.lua:7: undefined global "undefined3"' \
  'x.lua:8: undefined global "undefined4"' 'x.lua:9: undefined global "undefined5"' 'x.lua:10: undefined global "undefined6"' \
  'x.lua:10: undefined global "undefined7"' 'x.lua:10: undefined global "undefined8"'
is 'and they are counted' "$(grep -c '^x.lua: ok, 10 warnings$' out)" 1

checks <<'LUA'
local script = require "tidelock.script"
script.on_start(function() pritn(tostirng(1), string.fromat("x"), table.instert, maths.pi, os.tiem()) end)
LUA
warns 'what was meant' '"pritn" (did you mean "print"?)' '"tostirng" (did you mean "tostring"?)' \
  'undefined field "string.fromat" (did you mean "string.format"?)' 'field "table.instert" (did you mean "table.insert"?)' \
  'global "maths" (did you mean "math"?)' 'field "os.tiem" (did you mean "os.time"?)'

checks <<'LUA'
local script = require "tidelock.script"
script.on_start(function()
  count = (count or 0) + 1
  local function set() total = count end
  set()
  return total
end)
LUA
warns 'a local that lacks its word' 'x.lua:3: sets the global "count": is "local" missing?' 'x.lua:4: sets the global "total"'

checks <<'LUA'
#!/usr/bin/env tidelock
local script = require "tidelock.script"
function defined() return later() end
function later() return defined, _G, _VERSION, _ENV, arg_of end
arg_of = 1
string.trim = function(s) return s:match "^%s*(.-)%s*$" end
rawset(_G, "by_name", 1)
for _, name in ipairs { "p", "q" } do _G[name] = name end
script.on_start(function()
  local print, x = print, 1
  print(x, by_name, p, q, string.trim "x", select("#"), utf8.char(65), coroutine.wrap, math.pi)
  goto out
  do local _ENV = { a = 1 } ; b = a ; print = c end
  ::out::
  local function env(_ENV) return whatever end
  return env {}, _G.nothing, setmetatable({}, { __index = _G }).nothing
end)
LUA
warns 'what is defined, in whatever way, is not warned of'
is 'what is fine is fine' "$(cat out)" 'x.lua: ok'
checks <<'LUA'
setmetatable(_G, { __index = function(_, name) return name end })
require("tidelock.script").on_start(function() print(anything) end)
LUA
warns 'globals that come from a metatable'

{
  echo 'require("tidelock.script").on_start(function() local t = {'
  for i in $(seq 600); do echo "\"text $i\","; done
  echo '} print(far_away, t) set_far = 1 local late = require "not_there" return late end)'
} >x.lua
run_to check x.lua
warns 'a function with many constants' 'x.lua:602: requires "not_there"' 'x.lua:602: sets the global "set_far"' \
  'x.lua:602: undefined global "far_away"'

checks <<'LUA'
local script = require "tidelock.script"
script.on_start(function()
  io.open("x") io.read() io.popen "ls" os.execute "ls" os.exit(1)
  debug.sethook() string.dump(print) dofile "x.lua"
  return package.path
end)
LUA
warns 'what is out of reach' 'io.open: files are out of a script' 'io.read: standard input' 'io.popen: other programs' \
  'os.execute: other programs' 'os.exit: the process' 'debug.sethook: the debug library' 'string.dump: bytecode' \
  'dofile: files' 'package.path: package'

# --- modules required later ------------------------------------------------------------------
mkdir -p app/flows app/handlers lib
cat >app/main.lua <<'LUA'
local script = require "tidelock.script"
local early = require "early"
script.on_start(function()
  local late = require "flows.late"
  local typo = require "flows.latte"
  local meant = require "tidelock.store"
  local _, maybe = pcall(require, "flows.maybe")
  local _, tried = pcall(require, "flows.tried")
  return early, late, typo, meant, maybe, tried, require "shared", require("deep")
end)
LUA
echo 'return 1' >app/early.lua
printf 'local x = 1\nlocal y = = 2\n' >app/flows/late.lua
echo 'if x then' >app/flows/tried.lua
echo 'return shred' >lib/shared.lua
echo 'return function() return require "deeper" end' >app/deep.lua
echo 'return (' >app/deeper.lua
echo 'local never = = asked' >app/handlers/unused.lua
run_to check app
warns 'modules that are required later' \
  'app/deeper.lua:2: unexpected symbol near <eof> (the module is required later, and does not compile)' \
  "app/flows/late.lua:2: unexpected symbol near '=' (the module is required later" \
  "app/flows/tried.lua:2: 'end' expected" \
  'app/main.lua:5: requires "flows.latte" later, and there is no such module (did you mean "flows.late"?)' \
  'lib/shared.lua:1: undefined global "shred"'
echo 'return 2' >app/flows/late.lua
sed -i 's/flows.latte/flows.late/' app/main.lua
echo 'return 3' >app/flows/tried.lua
echo 'return 4' >app/deeper.lua
echo 'return 5' >lib/shared.lua
run_to check app
is 'mended, all is well' "$status $(cat out)" '0 app: ok'

# --- beside errors ---------------------------------------------------------------------------
checks <<'LUA'
local x = = 1
LUA
is 'what does not load fails, as ever' "$status" 1
run_to check "$ROOT/scripts" "$ROOT/examples/backend" "$ROOT"/examples/*.lua
is 'the client and the examples have none' "$(grep -vc ': ok$' out)" 0
run_to run x.lua
is 'run does not look: it loads' "$(grep -c 'undefined global' out)" 0

# --- beside an error that ends the load
checks <<'LUA'
local script = require "tidelock.script"
for key in pair {} do print(key) end
script.on_start(function() require "tidelock.jsn" print(string.formt "x", lenght) end)
LUA
is "a load that fails: status 1" "$status" 1
expect "what was meant by the name that ended it" 'WARN  x: x.lua:2: undefined global "pair" \(did you mean "pairs"\?\)'
expect "and what is wrong behind it" 'WARN  x: x.lua:3: undefined field "string.formt" \(did you mean'
is "no more than that" "$(warned | wc -l)" 4
checks <<'LUA'
os.execute "ls"
LUA
is "what is out of reach is told once" "$(grep -c 'other programs are out of' out)" 1
{
  echo 'require("tidelock.script").on_start(function()'
  for ((i = 0; i < 230; i++)); do echo "  print(undefined$i)"; done
  echo 'end)'
} | checks
is "of very many, 200 are told, and how many more there are" "$(warned | wc -l) $(warned | tail -1)" \
  "201 and 30 more warnings of this kind"
is "and all are counted" "$(grep -c '^x.lua: ok, 230 warnings$' out)" 1

# --- events -------------------------------------------------------------------------------------
checks <<'LUA'
local socket = require "tidelock.socket"
local plain = socket.connect("plain", { url = "ws://127.0.0.1:1", protocol = "websocket" })
local chat = socket.connect("chat", { url = "ws://127.0.0.1:1" })
for _, name in ipairs { "connect", "disconnect", "connect_error", "message", "gap" } do plain:on(name, print) end
plain:on("mesage", print)
plain:once("open", print)
plain:on("message\0x", print)
chat:on("mesage", print)
LUA
expect 'an event that a plain WebSocket has not is warned of' 'x.lua:5: plain is a plain WebSocket, which has no event "mesage" \(did you mean "message"\?\): it has connect'
expect 'one far from any, too' 'x.lua:6: plain is a plain WebSocket, which has no event "open": it has connect'
expect 'and one with a zero byte' 'x.lua:7: plain .* no event "message\\x00x"'
is 'those of Socket.IO are the server'"'"'s to choose' "$(grep -c 'has no event' out)" 3

# --- links ----------------------------------------------------------------------------------------
mkdir -p ring/sub/deep beside
echo 'return "x"' >ring/sub/x.lua
echo 'return "beside"' >beside/b.lua
ln -s . ring/self
ln -s .. ring/sub/up
ln -s ../../.. ring/sub/deep/above
ln -s "$PWD" ring/sub/deep/whole
ln -s ../ring beside/back
ln -s ../beside ring/beside
ln -s sub ring/two
ln -s nowhere ring/dangling
cat >ring/main.lua <<'LUA'
print(require "sub.x", require "two.x", require "beside.b", (pcall(require, "self.sub.x")), (pcall(require, "beside.back.sub.x")))
LUA
for folder in ring ring/self "$PWD/ring" beside/back; do
  run_to check $folder
  is "links that lead up are passed over, others followed: $folder" "$status $(head -1 out)" "0 x	x	beside	false	false"
  is "and nothing is said of it: $folder" "$(wc -l <out)" 2
done
finish
