#!/usr/bin/env bash
# The command line: exit statuses, signals, closed output, the log, the environment.
. "$(dirname "$0")/run.bash" || exit 1

has() { # NAME PATTERN: the output has such a line
  if grep -q -E -e "$2" out; then ok "$1"; else not_ok "$1" "no line like: $2"; fi
}
count() { # NAME PATTERN NUMBER
  is "$1" "$(grep -c -E -e "$2" out)" "$3"
}

# --- usage ----------------------------------------------------------------------------------
for usage in "" "run" "nonsense" "run --nonsense x.lua" "check" "test" "new bot" "new what x" \
  "run --log loud x.lua" "run --log-format xml x.lua" "demo --log loud" "run --env" "new bot a/b"; do
  run_to $usage
  is "wrong usage: tidelock $usage" "$status" 2
  [ -s out ] || not_ok "wrong usage: tidelock $usage" "it says nothing"
done
run_to run --nonsense x.lua
has "an unknown option is named" "unknown option.*--nonsense"
words() { # WORDS OF THE MESSAGE: then the arguments
  local said=$1
  shift
  run_to "$@"
  is "tidelock $*: says what is wrong, once" "$status $(head -1 out)" "2 tidelock: $said"
}
for word in run check test; do words "$word takes at least one file or folder" $word; done
for option in --profile --data --env --log-file --log --stop-timeout; do
  value=$("$TIDELOCK" help run | grep -o -e "^  $option [A-Z]*" | cut -d' ' -f4)
  words "$option: it takes a value: $option $value" run x.lua $option
  words "$option: it takes a value: $option $value" run $option= x.lua
done
words "--only: it takes a value: --only PATTERN" test x.lua --only
words "--plain: it takes no value" run --plain=yes x.lua
words "--watch: it takes no value" test --watch=1 x.lua
words 'version takes no more, and here is "x"' version x
run_to help
is "help is status 0" "$status" 0
has "help names the commands" '^  run '
for word in --help -h; do
  run_to $word
  has "$word helps too" '^  run '
done
run_to --version
has "the version" '^tidelock [0-9]'

# --- lines of the script, not of the modules that it calls ------------------------------------------
for call in 'http.get "http://127.0.0.1:1"' 'task.sleep(1)' 'task.all { print }' 'task.race { print }' \
  'task.with_timeout(1, print)' 'task.spawn(print)' 'http.client():post("http://127.0.0.1:1", "x")'; do
  printf '%s\n' 'local http, task = require "tidelock.http", require "tidelock.task"' "$call" >top.lua
  run_to check top.lua
  has "told at the script's line: $call" 'ERROR top: top.lua:2: .*while (it|the script) loads'
  has "and shown: $call" '^ *> +2 \| '
done

# --- how a run ends ---------------------------------------------------------------------------
echo 'print "hello"' >hello.lua
run_to run hello.lua
is "nothing left to wait for: status 0" "$status" 0
count "it ran once" '^hello$' 1
run_to run nowhere.lua
is "a script that does not exist: status 78" "$status" 78
has "and it is named" 'nowhere: no script at nowhere.lua: No such file'
mkdir -p near/app
touch near/greeter.lua near/app/main.lua
for pair in near/greter.lua=near/greeter.lua near/greeter=near/greeter.lua near/apq=near/app; do
  run_to check ${pair%=*}
  has "what was probably meant: $pair" "no script at ${pair%=*}: .* \\(did you mean \"${pair#*=}\"\\?\\)"
done
run_to check near/nothing.lua
is "nothing where nothing is near" "$(grep -c 'did you mean' out)" 0
mkdir empty
run_to run empty
is "a folder without main.lua: status 78" "$status" 78
has "and says so" 'no main.lua in the folder empty'
echo 'x = = 1' >broken.lua
run_to run broken.lua
is "a first load that fails: status 78" "$status" 78
has "with the place" "ERROR broken: broken.lua:1: unexpected symbol near '='"
has "with the line" '> +1 \| x = = 1'
has "and the outcome" 'the script could not be loaded'
cp hello.lua 'sp ace.lua'
run_to run 'sp ace.lua'
is "a name that is none: status 2" "$status" 2
has "and how to give one" 'give one with NAME=sp ace.lua'
cp hello.lua other.lua
run_to run hello.lua ./hello.lua
is "two scripts of one name: status 2" "$status" 2
cat >names.lua <<'LUA'
local script = require "tidelock.script"
print("I am " .. script.name, table.concat(script.args, ","))
LUA
run_to run one=names.lua two=./names.lua names.lua -- a "b c" --d
is "NAME=PATH names scripts" "$status" 0
has "one" '^I am one	a,b c,--d$'
has "two" '^I am two	'
has "and the plain one" '^I am names	'
mkdir -p dot
cp names.lua dot/main.lua
(cd dot && "$TIDELOCK" run .) >out 2>&1
has "the script . is called after its folder" '^I am dot	$'
for code in 0 1 7 255; do
  echo "local s = require 'tidelock.script' s.on_start(function() s.exit($code) print 'goes on' end)" >exit.lua
  run_to run exit.lua
  is "script.exit($code)" "$status" $code
  has "exit lets the turn end" '^goes on$'
done
for wrong in -1 256 '"x"'; do
  echo "local s = require 'tidelock.script' s.on_start(function() print(pcall(s.exit, $wrong)) end)" >exit.lua
  run_to run exit.lua
  has "script.exit($wrong) raises" '^false	bad argument #1'
done
echo 'require("tidelock.script").exit(3)' >exit.lua
run_to run exit.lua
is "exit while loading is an error" "$status" 78
has "that says so" 'script.exit is not possible while the script loads'
cat >exit.lua <<'LUA'
local script, task = require "tidelock.script", require "tidelock.task"
script.on_start(function() script.exit(4) script.exit(5) end)
script.on_stop(function(reason)
  print(reason, "begins")
  task.sleep(0.05)
  script.exit(6)
  print(reason, "ends")
end)
LUA
run_to run exit.lua
is "the first exit counts" "$status" 4
has "stop handlers may wait, and are not cut short by another exit" '^stop	ends$'
cat >natural.lua <<'LUA'
local script, task = require "tidelock.script", require "tidelock.task"
script.on_stop(function() task.sleep(0.05) print "stopped well" end)
LUA
run_to run natural.lua
is "the end without an exit" "$status" 0
has "runs stop handlers to their end too" '^stopped well$'
echo 'require("tidelock.script").on_stop(function() require("tidelock.task").sleep(1000) end)' >slow.lua
run_to run slow.lua
has "a stop handler that never ends is given up" 'stop handlers did not end in time'
echo 'require("tidelock.script").on_stop(function() error("bad stop") end)' >bad.lua
run_to run bad.lua natural.lua
has "one that fails is told" 'error in on_stop: bad.lua:1: bad stop'
has "and stops no other" '^stopped well$'
cat >busy.lua <<'LUA'
local script, timer = require "tidelock.script", require "tidelock.timer"
timer.every("hold", 60, print)
script.on_start(function() print "busy is up" end)
script.on_stop(function() print "busy stops" end)
LUA
run_to run broken.lua busy.lua
is "a first script that fails to load ends the others" "$status" 78
cat >late.lua <<'LUA'
print "late begins"
local stop = os.clock() + 0.9
while os.clock() < stop do end
require("tidelock.script").on_start(function() print "late is up" end)
LUA
run_to run broken.lua late.lua busy.lua
is "also while another still loads" "$status" 78
never "which is given up" '^late is up$'

# --- signals ------------------------------------------------------------------------------------
start run busy.lua
seen '^busy is up$'
kill -INT "$pid"
expect "Ctrl-C runs stop handlers" '^busy stops$'
ended
is "and is status 130" "$status" 130
start run busy.lua
seen '^busy is up$'
kill -TERM "$pid"
expect "SIGTERM runs them too" '^busy stops$'
ended
is "with status 143" "$status" 143
cat >stuck.lua <<'LUA'
local script, timer, task = require "tidelock.script", require "tidelock.timer", require "tidelock.task"
timer.every("hold", 60, print)
script.on_start(function() print "up" end)
script.on_stop(function() print "stopping" task.sleep(1000) print "never" end)
LUA
start run stuck.lua --stop-timeout 100
seen '^up$'
kill -INT "$pid"
expect "the first signal stops cleanly" '^stopping$'
from=$EPOCHREALTIME
kill -INT "$pid"
ended
is "the second ends at once" "$status" 130
[ $((${EPOCHREALTIME/[.,]/} - ${from/[.,]/})) -lt 50000000 ] || not_ok "the second ends at once" "it waited"
cat >loop.lua <<'LUA'
local script, task = require "tidelock.script", require "tidelock.task"
script.cpu_limit(0.5)
require("tidelock.timer").every("beat", 0.02, function() print "beat" end)
script.on_start(function()
  print "looping"
  while true do end
end)
LUA
start run loop.lua
expect "a handler that loops" '^looping$'
expect "is told as slow" 'WARN  loop: on_start ran for about [1-5][0-9]+ ms without waiting'
expect "and stopped with its place" 'ERROR loop: error in on_start: loop.lua:6: CPU_LIMIT: ran for 0.5 s'
expect "and the rest lives on" '^beat$'
stop

# --- output -------------------------------------------------------------------------------------
cat >lines.lua <<'LUA'
local script = require "tidelock.script"
require("tidelock.timer").every("line", 0.001, function() print("line") end)
script.on_stop(function() io.stderr:write("stopped\n") end)
LUA
"$TIDELOCK" run lines.lua 2>out | head -1 >first
is "| head -1 gets its line" "$(cat first)" line
timeout -k 1 30 "$TIDELOCK" run lines.lua 2>out | head -1 >/dev/null
is "a pipe that is closed: status 1" "${PIPESTATUS[0]}" 1
count "with one error" 'ERROR' 1
has "that says what" 'ERROR tidelock: cannot write to standard output: Broken pipe'
count "and stop handlers run" '^stopped$' 1
timeout -k 1 30 "$TIDELOCK" run lines.lua 2>out >&-
is "closed standard output: status 1" $? 1
count "with one error" 'ERROR tidelock: cannot write to standard output' 1
timeout -k 1 30 "$TIDELOCK" run lines.lua 2>out >/dev/full
is "a full disk: status 1" $? 1
has "with the reason" 'cannot write to standard output: No space left'
timeout -k 1 30 "$TIDELOCK" run lines.lua >/dev/full 2>/dev/full
is "nothing can be written: status 1" $? 1
timeout -k 1 30 "$TIDELOCK" run lines.lua <&- >&- 2>&-
is "nothing is open: status 1" $? 1
for words in "help" "--version" "check hello.lua" "new bot full"; do
  timeout -k 1 30 "$TIDELOCK" $words >/dev/full 2>out
  is "tidelock $words >/dev/full: status 1" $? 1
  has "tidelock $words >/dev/full: says so" 'cannot write to standard output'
done
echo 'print("a", nil, 1.5, true) io.write("b", 1, "\n") io.stdout:write("c\n") io.stderr:write("d\n") print(("x"):rep(300000))' >print.lua
timeout -k 1 30 "$TIDELOCK" run print.lua >out 2>err
count "print and io.write" '^(a	nil	1.5	true|b1|c)$' 3
count "a long line is written whole" '^x{30000}' 1
is "io.stderr" "$(cat err)" d

# --- the log --------------------------------------------------------------------------------------
cat >speak.lua <<'LUA'
local log, script, task = require "tidelock.log", require "tidelock.script", require "tidelock.task"
script.on_start(function()
  log.info("two\nlines", { a = 1 })
  log.debug("small")
  task.spawn(function() error("with \"quotes\" and \1 and \xff") end)
end)
LUA
timeout -k 1 30 "$TIDELOCK" run speak.lua --log debug --log-format json >/dev/null 2>out
"$PYTHON" - >verdict <<'PY'
import json
records = [json.loads(line) for line in open("out", encoding="utf-8")]
print(sorted({r["level"] for r in records}), any("two\nlines" == r["message"] and r["fields"] == {"a": 1} for r in records),
      any("with \"quotes\"" in r["message"] and "speak.lua:5" in r["message"] for r in records))
PY
is "JSON records parse" "$(cat verdict)" "['debug', 'error', 'info'] True True"
timeout -k 1 30 "$TIDELOCK" run speak.lua --log off 2>out
is "--log off is silent" "$(cat out)" ""
timeout -k 1 30 "$TIDELOCK" run speak.lua --log error 2>out
count "--log error has errors alone" ' (INFO|DEBUG) ' 0
has "an error in a task has its place" 'error in the task of speak.lua: line 5: speak.lua:5: with'
timeout -k 1 30 "$TIDELOCK" run speak.lua --log-file log 2>out
is "--log-file takes it all" "$(cat out)" ""
is "into the file" "$(grep -c 'INFO  speak: two' log)" 1
run_to run speak.lua --log-file /nowhere/log
is "a log that cannot be written: status 2" "$status" 2
mkfifo pipe
run_to run speak.lua --log-file pipe
is "a pipe that nobody reads is one: nothing waits for a reader" "$status" 2
(cat pipe >read & echo $! >reader; sleep 0.2)
run_to run speak.lua --log-file pipe
is "one that is read takes it all" "$(for ((i = 0; i < 500; i++)); do
  grep -q 'INFO  speak: two' read && echo yes && break
  sleep 0.02
done)" yes
kill "$(cat reader)" 2>/dev/null

# --- the environment --------------------------------------------------------------------------------
cat >vars <<'ENV'
# a comment
PLAIN=one
  export SPACED = two words
QUOTED="three = 3"
SINGLE='it''s'
EMPTY=

ENV
cat >env.lua <<'LUA'
local env = require "tidelock.env"
for _, name in ipairs { "PLAIN", "SPACED", "QUOTED", "EMPTY", "ABSENT", "OUTSIDE" } do
  print(name, env.get(name, "default"))
end
LUA
OUTSIDE=here run_to run env.lua --env vars
OUTSIDE=here timeout -k 1 30 "$TIDELOCK" run --env=vars env.lua >out 2>&1
has "--env sets variables" '^PLAIN	one$'
has "with spaces around" '^SPACED	two words$'
has "with quotes" '^QUOTED	three = 3$'
has "empty ones" '^EMPTY	$'
has "others have their default" '^ABSENT	default$'
has "those of the process stay" '^OUTSIDE	here$'
echo 'no equals sign' >>vars
run_to run env.lua --env vars
is "a line that is none: status 2" "$status" 2
has "with its place" 'vars:8: not NAME=VALUE'
run_to run env.lua --env nowhere
is "no such file: status 2" "$status" 2

# --- check ------------------------------------------------------------------------------------------
run_to check hello.lua env.lua
is "check of what is right" "$status" 0
has "says so" '^env.lua: ok$'
run_to check hello.lua broken.lua env.lua
is "check of what is wrong" "$status" 1
has "tells it" "ERROR broken: broken.lua:1:"
has "and goes on" '^env.lua: ok$'
echo 'require("tidelock.script").on_start(function() print "started" end)' >start.lua
run_to check start.lua
never "check starts nothing" '^started$'
run_to check nowhere.lua
is "check of what is not there" "$status" 1
echo 'while true do end' >endless.lua
run_to check endless.lua
is "check of what never ends" "$status" 1

# --- new ----------------------------------------------------------------------------------------------
for what in bot hook app; do
  run_to new $what my-$what
  is "new $what" "$status" 0
  path=my-$what
  [ -d "$path" ] || path=$path.lua
  has "names what it made" "^made my-$what"
  run_to check "$path"
  is "a new $what loads" "$status" 0
  run_to new $what my-$what
  is "new $what overwrites nothing" "$status" 1
done

# --- test ---------------------------------------------------------------------------------------------
cat >good_test.lua <<'LUA'
local test = require "tidelock.test"
test.describe("group", function()
  test.it("holds", function() test.expect(1).is(1) end)
  test.it("holds too", function() end)
end)
LUA
run_to test good_test.lua
is "tests that hold: status 0" "$status" 0
has "each is named" '^ok group holds too$'
is "and counted" "$(tail -1 out)" "2 passed, 0 failed"
cat >bad_test.lua <<'LUA'
local test = require "tidelock.test"
local task = require "tidelock.task"
test.timeout = 0.1
test.it("fails", function() test.expect({ a = { 1 } }).equals { a = { 2 } } end)
test.it("raises", function() local x = nil; return x.y end)
test.it("never ends", function() task.sleep(1000) end)
test.after_each(function() error("after") end)
test.it("fails after", function() end)
LUA
run_to test bad_test.lua
is "tests that fail: status 1" "$status" 1
has "with what was expected" 'expected \{"a":\[2\]\}, got \{"a":\[1\]\}'
has "and where" 'bad_test.lua:4: '
has "an error" "bad_test.lua:5: attempt to index a nil value"
has "too late" 'TIMEOUT: not done within 0.1 s'
has "in after_each" '^not ok fails after$'
is "counted" "$(tail -1 out)" "0 passed, 4 failed"
echo 'require "tidelock.test"' >none_test.lua
run_to test none_test.lua
is "no test at all: status 1" "$status" 1
has "says so" 'not ok none_test.lua: it has no tests'
run_to test hello.lua
is "a script that is no test: status 1" "$status" 1
cat >open_test.lua <<'LUA'
require("tidelock.socket").connect("nobody", { url = "http://127.0.0.1:9" })
LUA
run_to test open_test.lua
is "a script that is no test, with a connection: status 1" "$status" 1
echo 'require("tidelock.script").on_start(function() error("no") end)' >started.lua
run_to run started.lua
is "an on_start that fails, and nothing after it: status 1" "$status" 1
cat >early_test.lua <<'LUA'
local test, script = require "tidelock.test", require "tidelock.script"
test.it("ends it all", function() script.exit(0) require("tidelock.task").sleep(1000) end)
test.it("is never reached", function() end)
LUA
run_to test early_test.lua
is "an end before the last test: status 1" "$status" 1
run_to test broken.lua good_test.lua
is "a test file that does not load: status 1" "$status" 1
is "and the others run" "$(tail -1 out)" "2 passed, 1 failed"
mkdir tests
cp good_test.lua tests/a_test.lua
cp good_test.lua tests/b_test.lua
cp broken.lua tests/helper.lua
run_to test tests
is "a folder of tests" "$(tail -1 out)" "4 passed, 0 failed"
run_to test empty
is "a folder without tests: status 1" "$status" 1
finish
