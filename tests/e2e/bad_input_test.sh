#!/usr/bin/env bash
# Bad input from outside: each ends in one clear error and the right exit status.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
check() { # NAME CONDITION...
  local name=$1
  shift
  if "$@"; then echo "ok $name"; else
    echo "not ok $name (exit $rc; $out)"
    status=1
  fi
}
try() { # sets rc and out, standard output and error together; nothing may take 20 s
  out=$(timeout -k 1 20 "$@" 2>&1)
  rc=$?
}
ended() { # STATUS TEXT
  [ "$rc" = "$1" ] && grep -q -- "$2" <<<"$out"
}
echo 'print "ran"' >"$work/s.lua"
echo 'x = = 1' >"$work/syntax.lua"
echo 'while true do end' >"$work/loop.lua"

try "$TIDELOCK" run "$work/none.lua"
check "a script that does not exist" ended 78 "no script at $work/none.lua"
try "$TIDELOCK" run "$work/syntax.lua"
check "a script that does not compile" ended 78 "syntax.lua:1: unexpected symbol near '='"
try "$TIDELOCK" run "$work/loop.lua"
check "a script that loops at the top level" ended 78 "loop.lua:1: CPU_LIMIT"

# --- the command line ------------------------------------------------------------------------
for option in --data --profile --env --log-file; do
  try "$TIDELOCK" run "$work/s.lua" $option ''
  check "$option '' is wrong usage" ended 2 "$option"
done
try "$TIDELOCK" run name= --memory
check "a name without a path is wrong usage" ended 2 'name='
try "$TIDELOCK" run 'a b=x.lua' --memory
check "a name with strange characters" ended 2 '"a b" must be made of'
try "$TIDELOCK" run "$work/s.lua" --memory --env "$work"
check "--env with a folder" ended 2 'cannot read .*: Is a directory'
try "$TIDELOCK" run "$work/syntax.lua" --memory --log-file /dev/full
check "a log that cannot be written says so" ended 78 'cannot write the log.*No space left'
check "and what it would have held" ended 78 "unexpected symbol near '='"

# --- limits of the system ----------------------------------------------------------------------
for files in 7 12 20; do
  try bash -c "ulimit -n $files; exec '$TIDELOCK' demo --plain --memory </dev/null"
  check "$files open files: too few" ended 1 'ulimit -n'
done
try bash -c "ulimit -S -n 20; printf 'hello\n/quit\n' | '$TIDELOCK' demo --plain --memory"
check "a soft limit is raised" ended 0 'Demo: hello'

# --- standard input and output -----------------------------------------------------------------
printf 'a\xffb\nfine\n/quit\n' >"$work/in"
try bash -c "'$TIDELOCK' demo --plain --memory <'$work/in'"
check "a line that is not UTF-8 is refused as such" ended 0 'not UTF-8'
check "the next one is sent" ended 0 'Demo: fine'
check "the server is not blamed" [ "$(grep -ac 'server.s answer' <<<"$out")" = 0 ]
try bash -c "printf 'hello\n/quit\n' | '$TIDELOCK' demo --plain --memory >/dev/full"
check "a full standard output" ended 1 'cannot write to standard output'
try bash -c "printf 'hello\n/quit\n' | '$TIDELOCK' demo --plain --memory >&-"
check "a closed standard output" ended 1 'cannot write to standard output'
try bash -c "'$TIDELOCK' demo --plain --memory <&-"
check "a closed standard input is its end" [ $rc = 0 ]

# --- names, before anything runs ------------------------------------------------------------------
cd "$work" || exit 1
mkdir -p named
echo 'print "the top level ran"' >named/a.lua
cp named/a.lua 'named/b c.lua'
lacks() { ! grep -q -- "$1" <<<"$out"; }
refused_first() { # NAME TEXT ARGS...: status 2, says TEXT, and nothing ran
  local name=$1 text=$2
  shift 2
  try "$TIDELOCK" run --memory "$@"
  check "$name" ended 2 "$text"
  check "$name: nothing ran" lacks 'top level ran'
}
refused_first 'the same file twice' 'two scripts are called "a"' named/a.lua named/a.lua
refused_first 'one name for two' 'two scripts are called "a"' named/a.lua a='named/b c.lua'
refused_first 'a name that is none, last' 'the script name "b c"' named/a.lua 'named/b c.lua'
refused_first 'a name that is none, given' 'the script name "x y"' named/a.lua 'x y=named/a.lua'

# --- signals -------------------------------------------------------------------------------------
cat >"$work/busy.lua" <<'LUA'
local script = require "tidelock.script"
script.on_start(function()
  print "busy"
  while true do end
end)
LUA
coproc BUSY { exec "$TIDELOCK" run "$work/busy.lua" --memory --turn-limit 60 2>&1; }
pid=$BUSY_PID
read -r -t 10 out <&"${BUSY[0]}"
for _ in $(seq 200); do # until it has ended, 10 s at most; the first is merely noted
  kill -INT "$pid" 2>/dev/null || break
  sleep 0.05
done
kill -KILL "$pid" 2>/dev/null
wait "$pid"
rc=$?
check "a second Ctrl-C ends a script that loops" [ $rc = 130 ]
exit $status
