#!/usr/bin/env bash
# `tidelock new`: each kind loads, brings a test that passes, and does something at once beside the
# demo; then `help COMMAND`, and what was probably meant.
. "$(dirname "$0")/run.bash"
free_port() {
  "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
has() { # NAME TEXT
  if grep -qF -e "$2" out; then ok "$1"; else not_ok "$1" "nothing like: $2"; fi
}
work=$PWD
made() { find . -mindepth 1 -type f | sort | paste -sd' '; }

# --- what is made ---------------------------------------------------------------------------
mkdir files && cd files || exit 1
run_to new bot greeter
mv out ../made
is 'new bot: a script, its test, the settings of editors' "$(made)" './.luarc.json ./greeter.lua ./greeter_test.lua'
run_to new hook my-hook
rm out
is 'new hook: the same' "$(made)" './.luarc.json ./greeter.lua ./greeter_test.lua ./my-hook.lua ./my-hook_test.lua'
run_to new app counter
rm out
is 'new app: a folder' "$(find counter -type f | sort | paste -sd' ')" \
  'counter/.luarc.json counter/account.lua counter/counting.lua counter/main.lua counter/tests/counting_test.lua'
is 'no placeholder is left' "$(grep -rl NAME .)" ''
for settings in .luarc.json counter/.luarc.json; do
  "$PYTHON" - "$settings" <<'PY' && ok "$settings: leads to the types" || not_ok "$settings: leads to the types"
import json, os, sys
settings = json.load(open(sys.argv[1]))
assert os.path.isfile(os.path.join(settings["workspace.library"][0], "socket.lua"))
PY
done
echo '{}' >.luarc.json
run_to new bot other
has 'settings that are there stay' 'kept .luarc.json'
is 'and are not written' "$(cat .luarc.json)" '{}'
run_to new bot greeter
is 'nothing is overwritten: status 1' "$status" 1
rm greeter.lua
echo mine >greeter_test.lua
run_to new bot greeter
is 'nothing is made where one of the files is there' "$status $(ls greeter*) $(cat greeter_test.lua)" '1 greeter_test.lua mine'
rm greeter_test.lua
run_to new bot greeter.lua
is 'the name may be that of the file' "$status $(ls greeter*)" "0 greeter.lua
greeter_test.lua"
rm out
run_to test .
is 'the tests that they bring pass' "$(tail -1 out)" '7 passed, 0 failed'
run_to check greeter.lua my-hook.lua counter
is 'they load' "$status" 0
is 'and nothing is warned of' "$(grep -vc ': ok$' out)" 0

# --- at once, beside the demo -------------------------------------------------------------
# beside SCRIPT: the demo with it; lines for the client go to descriptor 9.
beside() {
  : >out
  mark=1
  rm -f typed && mkfifo typed
  "$TIDELOCK" demo --memory --plain "$1" >>out 2>&1 <typed &
  pid=$!
  exec 9>typed
  expect "$1: says that it is there" "^${1%.lua}: "
  seen '^\* connected$' || not_ok "$1: the client is connected"
}
leave() {
  echo /quit >&9
  exec 9>&-
  ended
  is "$1: the demo ends well" "$status" 0
  mark=1
  never "$1: nothing fails" " (WARN|ERROR) +${1%.lua}:"
}
beside greeter.lua
echo 'hello there' >&9
expect 'the bot answers' 'Welcome aboard, Demo!'
sed 's/Welcome aboard/Ahoy/' greeter.lua | save greeter.lua
expect 'a save is a reload' 'greeter: reloaded'
echo 'hello again' >&9
expect 'and after it the bot answers, too' 'Ahoy, Demo!'
leave greeter.lua
beside my-hook.lua
echo 'three small words' >&9
expect 'the hook hears' '^my-hook: Demo wrote 3 words$'
leave my-hook.lua
beside counter
echo 'one' >&9
expect 'the app counts' '^counter: Demo 1$'
echo 'two' >&9
expect 'and goes on counting' '^counter: Demo 2$'
leave counter

# --- wrong names ----------------------------------------------------------------------------
cd "$work" || exit 1
meant() { # TEXT WORD...: status 2, and the text is told
  local text=$1
  shift
  run_to "$@"
  is "tidelock $*: status 2" "$status" 2
  has "tidelock $*: $text" "$text"
}
echo 'print "x"' >x.lua
meant '(did you mean "run"?)' rnu x.lua
meant '(did you mean "check"?)' chekc x.lua
meant '(did you mean "demo"?)' dmeo
meant '(did you mean "test"?)' tests x.lua
meant 'unknown command: frobnicate' frobnicate
meant '(did you mean "--no-watch"?)' run --no-wacth x.lua
meant '(did you mean "--profile"?)' run --profle=a x.lua
meant '(did you mean "--memory"?)' run --memroy x.lua
meant 'unknown option: --colour' run --colour x.lua
meant '(did you mean "warn"?)' run --log wran x.lua
meant '(did you mean "json"?)' run --log-format jsno x.lua
meant '(did you mean "hook"?)' new hok x
meant '(did you mean "list"?)' data lsit
meant '(did you mean "new"?)' help nwe
meant '--env: it takes a value' run x.lua --env
run_to frobnicate
is 'what is near nothing is not guessed at' "$(grep -c 'did you mean' out)" 0

# --- help -----------------------------------------------------------------------------------
run_to help
cp out all
for command in demo run check new test help version; do
  grep -q "^  $command" all && ok "help names $command" || not_ok "help names $command"
  run_to help $command
  is "help $command: status 0" "$status" 0
  is "help $command: its usage first" "$(head -1 out | cut -d' ' -f1-3)" "usage: tidelock $command"
  [ $command != help ] || continue
  mv out of
  run_to $command --help
  is "$command --help is the same" "$(cat out)" "$(cat of)"
done
run_to help test
has 'help test: its options' '--only PATTERN'
run_to help run
has 'help run: its options' '--profile NAME'
is 'help run: not those of others' "$(grep -c -e --only out)" 0
run_to help new
has 'help new: what there is' 'bot|hook|app'
for option in $(grep -o -e '^  --[a-z-]*' all); do
  case $option in --watch | --only) command=test ;; *) command=run ;; esac
  run_to help $command
  has "help $command tells of $option" "  $option"
done

# --- --env ------------------------------------------------------------------------------------
cat >vars <<'ENV'
OUTER=from the file
EMPTY=from the file
INNER=first
INNER=second
ENV
cat >show.lua <<'LUA'
local env = require "tidelock.env"
for _, name in ipairs { "OUTER", "EMPTY", "INNER" } do print(name .. "=" .. env.get(name, "none")) end
LUA
OUTER='from outside' EMPTY='' run_to run --env vars show.lua
has 'what is set in the environment stays' 'OUTER=from outside'
is 'set to nothing, too' "$(grep '^EMPTY' out)" 'EMPTY='
has 'of two lines the later counts' 'INNER=second'
run_to check --env vars show.lua
has 'what is not set comes from the file, for check too' 'OUTER=from the file'
WS_URL=http://127.0.0.1:1 PORT=$(free_port) run_to test --env vars show.lua
has 'and for test' 'OUTER=from the file'
finish
