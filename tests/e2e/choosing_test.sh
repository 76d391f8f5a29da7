#!/usr/bin/env bash
# What `make test T=... ONLY=...` chooses: files, and the tests in them.
. "$(dirname "$0")/helpers.bash"
cd "$ROOT" || exit 1
choose() { # ARGS...: the output in $seen, the status in $status
  seen=$(TEST_ONLY='' LABEL='' COUNTS='' tests/run.sh "$@" 2>&1)
  status=$?
}
status_is() { [ "$status" = "$1" ]; }
last_is() { [ "${seen##*$'\n'}" = "$1" ]; }

choose --list --holding reload c fuzz lua e2e peer
check "a text chooses files of each kind by their name" in_order tests/c/reload_test.c tests/e2e/reload_test.sh
check "and no others" lacks timer
choose --list --holding peer/route c fuzz lua e2e peer
check "with a / it is part of the path" [ "$seen" = tests/peer/route_test.sh ]
choose --holding nosuchfile c fuzz lua e2e peer
check "a text that chooses nothing fails" status_is 1
check "and the names that exist are shown" in_order "nosuchfile" "c: " "fuzz: " "lua: " "e2e: " "peer: "
check "the last line has the counts all the same" last_is "0 passed, 0 failed"

make_lua() { # a file with two tests, one of which fails
  mkdir -p "$TMPDIR/tests"
  cat >"$TMPDIR/tests/two_test.lua" <<'LUA'
local test = require "tidelock.test"
test.it("the good one", function() end)
test.it("the bad one", function() error "bad" end)
LUA
}
make_lua
choose "$TMPDIR/tests/two_test.lua"
check "without a name all tests run" last_is "1 passed, 1 failed"
choose --only good "$TMPDIR/tests/two_test.lua"
check "a name chooses tests within a file" last_is "1 passed, 0 failed"
choose --only nosuchtest "$TMPDIR/tests/two_test.lua"
check "a name that no test holds fails" status_is 1
check "and says so" has 'has a name that holds "nosuchtest"'
if [ -x "$BUILD/tests/route_test" ]; then
  choose --only "no proxy names" tests/c/route_test.c
  check "C tests are chosen by theirs, spaces for underscores" last_is "1 passed, 0 failed"
fi
choose --only "a list of kinds" tests/e2e/input_test.sh
check "nothing runs of the cases in Python that do not hold it" last_is "0 passed, 0 failed"
choose tests/c/none_test.c "$TMPDIR/tests/two_test.lua"
check "a file that is not there fails, and is named" has "no such test file: tests/c/none_test.c"
check "beside what fails of the others" last_is "1 passed, 2 failed"

# make passes both on as they are written.
made() { # T ONLY: the command that make would run
  seen=$(make -s --no-print-directory -n BUILD="$BUILD" T="$1" ONLY="$2" test 2>&1 | grep -o -- '--holding.*')
}
made "it's" "a 'b' c"
check "quotes in T and ONLY are kept" has "--holding 'it'\\''s' --only 'a '\\''b'\\'' c' c fuzz lua e2e peer"
exit $bad
