#!/usr/bin/env bash
# `tidelock test`: which files and which tests it runs, what fails one, and --watch.
. "$(dirname "$0")/run.bash"

has() { # NAME TEXT
  if grep -qF -e "$2" out; then ok "$1"; else not_ok "$1" "nothing like: $2"; fi
}
hasnt() { # NAME TEXT
  if grep -qF -e "$2" out; then not_ok "$1" "there is: $2"; else ok "$1"; fi
}
last() { grep ' passed, ' out | tail -n 1; }

# --- what nobody caught fails the test that runs --------------------------------------------
fails() { # NAME BODY WHERE: a test with this body fails, names the place, and fails no other
  cat >uncaught_test.lua <<LUA
local test, task, timer = require "tidelock.test", require "tidelock.task", require "tidelock.timer"
local store, server = require "tidelock.store", require "tidelock.server"
local http = require "tidelock.http"
local s = store.define("s", { initial = { n = 0 } })
local srv = server.listen("srv", {})
srv:route("GET", "/boom", function() error "in the route" end)
test.it("before", function() end)
test.it("the one", function()
  $2
end)
test.it("after", function() task.sleep(0.02) end)
LUA
  run_to test uncaught_test.lua --log off
  is "$1: it fails" "$(last)" "2 passed, 1 failed"
  has "$1: that one" 'not ok the one'
  has "$1: told where" "$3"
}
fails 'a timer' 'timer.after(0.001, function() error "in the timer" end) task.sleep(0.02)' 'uncaught_test.lua:9: in the timer'
fails 'a timer that repeats' 'local t = timer.every(0.001, function() local x; return x.y end) task.sleep(0.02) t:stop()' 'uncaught_test.lua:9: attempt to index'
fails 'a task that the test leaves behind' 'task.spawn(function() error "in the task" end)' 'uncaught_test.lua:9: in the task'
fails 'a task, with a value that is no text' 'task.spawn(function() error { code = "BROKEN", message = "whole" } end)' 'uncaught_test.lua:9'
fails 'a subscriber, behind the last line' 's:subscribe("n", function() error "in the subscriber" end) s:set { n = 1 }' 'uncaught_test.lua:9: in the subscriber'
fails 'a selector' 's:subscribe(function(v) return v.n.x.y end, print) s:set { n = 2 }' 'uncaught_test.lua:9: attempt to index'
fails 'a handler of a server' 'http.get(srv.url .. "/boom")' 'uncaught_test.lua:6: in the route'
fails 'a coroutine in a task' 'task.spawn(function() coroutine.wrap(function() error "deep" end)() end)' 'uncaught_test.lua:9: deep'

cat >handler_test.lua <<'LUA'
local test, socket, server = require "tidelock.test", require "tidelock.socket", require "tidelock.server"
local srv = server.listen("srv", {})
srv:io():on("connection", function(sock) sock:emit("news", 1) end)
test.it("hears of it", function()
  local heard = false
  local chat = socket.connect("chat", { url = srv.url })
  chat:on("news", function() heard = true error "in the handler" end)
  test.wait_for(function() return heard end)
end)
LUA
run_to test handler_test.lua --log off
has 'a handler of an event' 'in the handler'
is 'a handler of an event: it fails' "$(last)" "0 passed, 1 failed"

cat >asked_test.lua <<'LUA'
local test, task, timer = require "tidelock.test", require "tidelock.task", require "tidelock.timer"
test.it("asks for it", function()
  timer.after(0, function() error "one" end)
  timer.after(0.002, function() error "two" end)
  task.sleep(0.02)
  local text = test.uncaught()
  test.expect(text).contains "one"
  test.expect(text).contains "two"
  test.expect(test.uncaught()).is_nil()
end)
test.it("awaits it", function()
  local t = task.spawn(function() error "awaited" end)
  test.expect(pcall(t.await, t)).is(false)
end)
test.it("cancels it", function()
  local t = task.spawn(function() task.sleep(10) end)
  task.sleep(0)
  t:cancel()
  task.sleep(0)
end)
LUA
run_to test asked_test.lua --log off
is 'what was asked for, awaited or cancelled fails nothing' "$(last)" "3 passed, 0 failed"

cat >late_test.lua <<'LUA'
local test, script = require "tidelock.test", require "tidelock.script"
test.it("is fine", function() end)
script.on_stop(function() error "at the end" end)
LUA
run_to test late_test.lua --log off
is 'an error when the tests are over: status 1' "$status" 1
has 'an error when the tests are over is told' 'at the end'

# --- a test that is stopped names its line ------------------------------------------------
cat >stopped_test.lua <<'LUA'
local test, task = require "tidelock.test", require "tidelock.task"
local script = require "tidelock.script"
script.cpu_limit(0.3)
test.timeout = 0.2
test.it("sleeps", function()
  local function deep()
    task.sleep(10)
  end
  deep()
end)
test.it("awaits", function() task.all { function() task.sleep(10) end } end)
test.it("spins", function()
  local n = 0
  while true do n = n + 1 end
end)
test.before_each(function() task.sleep(0) end)
test.it("spins in what it calls", function() ("x"):rep(30):find(("x*"):rep(20) .. "y") end)
test.it("goes on", function() end)
LUA
run_to test stopped_test.lua --log off
is 'those that are stopped fail, and no other' "$(last)" "1 passed, 4 failed"
has 'the time-out names the line' 'stopped_test.lua:7: TIMEOUT'
has 'and who called it' "stopped_test.lua:9: in field 'fn'"
has 'where it waits for others, too' 'stopped_test.lua:11: TIMEOUT'
has 'the limit names the line' 'stopped_test.lua:14: CPU_LIMIT'
has 'a limit in a function in C names the line that calls it' 'stopped_test.lua:17: CPU_LIMIT'
hasnt 'none of our own lines is shown' 'stdlib/test.lua'
cat >loop_test.lua <<'LUA'
local test, store, task = require "tidelock.test", require "tidelock.store", require "tidelock.task"
local a, b = store.define("a", { initial = { n = 0 } }), store.define("b", { initial = { n = 0 } })
a:subscribe(function(s) b:set { n = s.n + 1 } end)
b:subscribe(function(s) a:set { n = s.n + 1 } end)
local function busy(seconds)
  local from = os.clock()
  while os.clock() < from + seconds do end
end
test.it("loops", function()
  a:set { n = 1 }
  task.sleep(0.02)
end)
test.it("is slow", function() busy(0.3) end)
test.it("waits for what is slow", function()
  task.with_timeout(9, function() busy(0.3) end)
end)
test.describe("behind each", function()
  test.after_each(function() busy(0.3) end)
  test.it("good", function() end)
end)
LUA
run_to test loop_test.lua --turn-limit 5
is 'subscribers that change stores in a loop fail the test that runs' "$(last)" "3 passed, 1 failed"
has 'and say so' 'raised, and nobody caught it: subscribers change these stores in a loop'
has 'what runs for long is named by the line of the test' 'the task of loop_test.lua: line 13 ran for about'
has 'a function that is handed on, by its own' 'the task of loop_test.lua: line 15 ran for about'
has 'and so is a hook' 'the task of loop_test.lua: line 18 ran for about'
hasnt 'none of our own lines is named' 'stdlib/test.lua'
cat >left_test.lua <<'LUA'
local test, script, task = require "tidelock.test", require "tidelock.script", require "tidelock.task"
test.describe("it", function()
  test.it("leaves", function() script.exit(0) task.sleep(10) end)
end)
LUA
run_to test left_test.lua --log off
has 'a test that ends the script is named' 'not ok left_test.lua: it ended while "it leaves" ran'

# --- a wrong type in an expectation -----------------------------------------------------------
cat >types_test.lua <<'LUA'
local test, errors = require "tidelock.test", require "tidelock.errors"
local expect = test.expect
local function refused(fn, part)
  local fine, err = pcall(fn)
  if fine then error("it was taken", 2) end
  if not err:find(part, 1, true) or not err:find "^types_test%.lua:" then error(err, 2) end
end
for _, value in ipairs { 5, true, {}, print } do
  local kind = type(value)
  test.it("refuses a " .. kind, function()
    refused(function() expect(value).contains "t" end, "not a " .. kind)
    refused(function() expect(value).matches "t" end, "not a " .. kind)
    refused(function() expect("t").contains(value) end, "not a " .. kind)
    refused(function() expect("t").matches(value) end, "not a " .. kind)
    refused(function() expect(error).raises(value) end, "not a " .. kind)
    if value ~= print then refused(function() expect(value).raises() end, "not a " .. kind) end
  end)
end
test.it("refuses nil", function()
  refused(function() expect(nil).contains "nil" end, "not a nil")
  refused(function() expect(nil).matches "nil" end, "not a nil")
  refused(function() expect("x").contains(nil) end, "not a nil")
  refused(function() expect("x").matches(nil) end, "not a nil")
  refused(function() expect(nil).raises() end, "not a nil")
  refused(function() expect("nil").raises "nil" end, "not a string")
  refused(function() expect(1).is_close(1) end, "not a nil")
  refused(function() expect(1).is_close("1", 1) end, "not a string")
end)
test.it("refuses names and patterns that are none", function()
  refused(function() expect("x").matches "[" end, "no pattern")
  refused(function() expect("x").matchs "x" end, 'did you mean "matches"?')
  refused(function() test.it "x" end, "it takes a name and a function")
  refused(function() test.describe(print) end, "describe takes a name and a function")
  refused(function() test.after_each "x" end, "after_each takes a function")
  refused(function() test.wait_for(true) end, "wait_for takes a function")
end)
test.it("takes texts and errors", function()
  expect("a.b").contains "."
  expect(errors.new { code = "TIMEOUT", message = "late" }).contains "late"
  expect(errors.new { code = "TIMEOUT" }).matches "^TIMEOUT"
  expect(function() error { code = "BROKEN", message = "whole" } end).raises "BROKEN: whole"
  expect(setmetatable({}, { __call = function() error "called" end })).raises "called"
end)
LUA
run_to test types_test.lua
is 'a wrong type raises, at the line of the test' "$(last)" "7 passed, 0 failed"

# --- folders below -------------------------------------------------------------------------
mkdir tests && cd tests
mkdir -p app/tests/deep app/flows/tests app/.hidden app/node_modules/x
echo 'return { name = "flow" }' >app/flows/one.lua
echo 'print "the app"' >app/main.lua
for at in app/top app/tests/a app/tests/deep/b app/flows/tests/c app/.hidden/d app/node_modules/x/e; do
  echo 'local test = require "tidelock.test" test.it("'"$at"'", function() end)' >${at}_test.lua
done
cat >app/tests/deep/b_test.lua <<'LUA'
local test = require "tidelock.test"
test.it("app/tests/deep/b", function() test.expect(require("flows.one").name).is "flow" end)
LUA
run_to test app
is 'a folder: the tests in it and below' "$(last)" "4 passed, 0 failed"
for at in app/top app/tests/a app/tests/deep/b app/flows/tests/c; do has "$at is run" "ok $at"; done
run_to test app/
is 'a slash behind it changes nothing' "$(grep -c '//' out) $(last)" "0 4 passed, 0 failed"
mkdir -p bare/below
run_to test bare
is 'none, nor below: status 1' "$status" 1
has 'and it is said' 'not ok bare: no *_test.lua there, nor in the folders below'
mkdir -p round/a/b
cp app/flows/tests/c_test.lua round/a/b/c_test.lua
ln -s ../.. round/a/b/up
ln -s .. round/a/up
run_to test round
is 'a link that leads up ends there' "$(tail -1 out)" "1 passed, 0 failed"

ln -s / round/a/everything
ln -s "$PWD" round/a/here
began=$SECONDS
run_to test round
is 'nor one to the root, or to any folder above' "$(tail -1 out)" "1 passed, 0 failed"
mkdir -p many aside && (cd many && seq 4001 | xargs mkdir && cp ../round/a/b/c_test.lua 1/)
ln -s "$PWD/many" aside/many
for path in many aside; do
  run_to test $path
  is "$path: more folders than anybody means: status" "$status" 1
  has "$path: it is said" "not ok $path: there are more than 4000 folders below it: name the folder of the tests"
  is "$path: and none is run" "$(tail -1 out)" "0 passed, 1 failed"
done
is 'looking takes no 20 s' "$((SECONDS - began < 20))" 1
rm -r many aside
deep=deep/$(seq -s / 20)
mkdir -p "$deep" && cp round/a/b/c_test.lua "$deep" && cp round/a/b/c_test.lua deep/
run_to test deep
is 'too deep: the others are run' "$(last)" "1 passed, 0 failed"
has 'too deep: it is said' 'folders are nested more than 16 deep: no tests are looked for in deep/1/2/3'

# --- what a test prints ----------------------------------------------------------------------
cat >half_test.lua <<'LUA'
local test = require "tidelock.test"
test.it("prints half a line", function() io.write "half" end)
test.it("prints whole ones", function() io.write("whole", "\n") print "another" end)
test.it("fails and has printed half a line", function() io.stdout:write "more" error "broken" end)
require("tidelock.script").on_stop(function() io.write "the end" end)
LUA
run_to test half_test.lua
is 'what a test prints without a line end stands alone' "$(grep -cxF -e 'half' -e 'ok prints half a line' \
  -e 'whole' -e 'another' -e 'ok prints whole ones' -e 'more' -e 'not ok fails and has printed half a line' \
  -e '2 passed, 1 failed' out)" 8
is 'and no line is empty' "$(grep -c '^$' out)" 0

# --- test.timeout ----------------------------------------------------------------------------
timeout_of() { # VALUE TEXT
  printf 'local test = require "tidelock.test"\ntest.it("x", function() end)\ntest.timeout = %s\n' "$1" >time_test.lua
  run_to test time_test.lua
  has "test.timeout = $1: at the line" "time_test.lua:3: $2"
}
for value in 0/0 1/0 -1 0 2e9; do timeout_of "$value" 'test.timeout is more than 0 and at most 1000000000 seconds, not '; done
timeout_of '"5"' 'test.timeout is a number of seconds, not a string'
timeout_of nil 'test.timeout is a number of seconds, not a nil'
timeout_of '{}' 'test.timeout is a number of seconds, not a table'
printf 'local test, task = require "tidelock.test", require "tidelock.task"\ntest.timeout = 0.05
test.it("reads it", function() test.expect(test.timeout).is(0.05) end)\ntest.it("late", function() task.sleep(20) end)\n' >time_test.lua
run_to test time_test.lua
is 'test.timeout is read and counts' "$(last)" "1 passed, 1 failed"
for value in 0/0 1/0 -1; do
  printf 'local test = require "tidelock.test"\ntest.it("x", function()\n  test.wait_for(function() end, %s)\nend)\n' "$value" >time_test.lua
  run_to test time_test.lua
  has "test.wait_for for $value: at the line" "time_test.lua:3: wait_for takes 0 to 1000000000 seconds, not "
done

# --- --only --------------------------------------------------------------------------------
cat >only_test.lua <<'LUA'
local test = require "tidelock.test"
test.describe("a list", function()
  test.it("adds", function() end)
  test.it("adds (twice)", function() end)
  test.it("adds 100%", function() end)
end)
test.describe("a list of lists", function()
  test.it("adds", function() end)
  test.it("removes", function() end)
end)
LUA
only() { # PATTERN NAME...: these, and no others
  local pattern=$1
  shift
  run_to test only_test.lua --only "$pattern"
  is "--only $pattern" "$(sed -n 's/^ok //p' out | paste -sd,)" "$(printf '%s\n' "$@" | paste -sd,)"
  is "--only $pattern: the last line" "$(tail -1 out)" "$# passed, 0 failed"
}
only 'a list adds' 'a list adds'
only 'adds' 'a list adds' 'a list of lists adds'
only 'adds (twice)' 'a list adds (twice)'
only 'a list adds (twice)' 'a list adds (twice)'
only 'adds 100%' 'a list adds 100%'
only 'a list of lists' 'a list of lists adds' 'a list of lists removes'
only 'emov' 'a list of lists removes'
only '^a list .*ds$' 'a list adds' 'a list of lists adds'
run_to test only_test.lua --only=removes
is '--only=' "$(tail -1 out)" "1 passed, 0 failed"
run_to test good_test.lua only_test.lua --only remvoes
is '--only that fits none: status 1' "$status" 1
run_to test only_test.lua --only remvoes
has '--only that fits none says what was meant' 'no test has a name like "remvoes" (did you mean "removes"?)'
run_to test only_test.lua app --only 'a list adds'
is '--only over files: one without it fails nothing' "$status $(tail -1 out)" "0 1 passed, 0 failed"
run_to run only_test.lua --only x
is '--only belongs to test' "$status" 2
run_to check only_test.lua --watch
is '--watch belongs to test' "$status" 2

# --- --watch -------------------------------------------------------------------------------
save app/one.lua <<'LUA'
return 1
LUA
rm -r app/flows app/tests app/top_test.lua
save app/one_test.lua <<'LUA'
local test = require "tidelock.test"
test.it("is one", function() test.expect(require "one").is(1) end)
LUA
start test --watch app
expect 'watching: the first run' '^1 passed, 0 failed$'
save_in_place app/one.lua <<'LUA'
return 2
LUA
expect 'a save of what is required runs them again' '^not ok is one$'
expect 'and says how it went' '^0 passed, 1 failed$'
save app/one.lua <<'LUA'
return 1
LUA
expect 'a save by renaming does' '^1 passed, 0 failed$'
mkdir app/below
expect 'a new folder is looked into' '^1 passed, 0 failed$'
save app/below/two_test.lua <<'LUA'
local test = require "tidelock.test"
test.it("is new", function() end)
LUA
expect 'a new test is found' '^2 passed, 0 failed$'
save app/one_test.lua <<'LUA'
local test =
LUA
expect 'one that does not load is told' '^not ok app/one_test.lua: '
expect 'and the others run' '^1 passed, 1 failed$'
save app/one_test.lua <<'LUA'
local test = require "tidelock.test"
test.it("is back", function() end)
LUA
expect 'mended, it runs again' '^ok is back$'
rm -r app/below app/one_test.lua
expect 'a folder without tests is told' '^not ok app: no .*_test.lua there'
expect 'as a failure' '^0 passed, 1 failed$'
is 'once' "$(grep -c '^not ok app: no' out)" 1
kill -0 "$pid" && ok 'it goes on until it is ended' || not_ok 'it goes on until it is ended'
kill -INT "$pid" 2>/dev/null
stop

# --- errors that cannot be shown, and tests that would begin anew ------------------------------
cat >odd_test.lua <<'LUA'
local test = require "tidelock.test"
local function raised(show)
  return function() error(setmetatable({}, { __tostring = show })) end
end
test.it("never ends", raised(function() while true do pcall(function() repeat until false end) end end))
test.it("raises", raised(function() error "no" end))
test.it("gives no text", raised(function() return {} end))
test.it("loads anew", function() require("tidelock.script").reload() end)
test.it("is fine", function() end)
LUA
run_to test --turn-limit 0.3 odd_test.lua
is "an error that cannot be shown fails its test alone" "$(tail -1 out)" "1 passed, 4 failed"
is "and says so" "$(grep -c '^    .*(an error that cannot be shown)' out)" 3
expect "a test cannot be loaded anew" 'script.reload is not possible in a test'
finish
