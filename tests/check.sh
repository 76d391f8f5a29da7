#!/usr/bin/env bash
# All that `make check` looks at, once the plain build stands: each check is counted as one
# test, the tests as what they are. Says of each whether it held, and shows why not; the
# last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build} MAKE=${MAKE:-make}
work=$(mktemp -d "${TMPDIR:-/tmp}/tidelock-check.XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)}

held() { # NAME COMMAND...: its output is shown if it failed, or if it warns
  local name=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
    echo "ok   $name"
    grep '(warning)$' "$work/out" | sed 's/^/     | /'
  else
    failed=$((failed + 1))
    echo "FAIL $name"
    tail -n 60 "$work/out" | sed 's/^/     | /'
  fi
}

counted() { # LABEL COMMAND...: runs tests that write their numbers into $COUNTS
  local good bad
  export LABEL=$1 COUNTS=$work/counts
  shift
  echo "     $LABEL"
  rm -f "$COUNTS"
  "$@" 2>&1
  if read -r good bad 2>/dev/null <"$COUNTS"; then :; else good=0 bad=1; fi
  [ $((good + bad)) -gt 0 ] || bad=1
  passed=$((passed + good)) failed=$((failed + bad))
  unset LABEL COUNTS
}

c_files() { find runtime tests/c tests/fuzz tests/peer -path '*/node_modules' -prune -o -name '*.[ch]' -print 2>/dev/null; }
lua_folders() { for d in stdlib scripts examples tests/lua tests/bench tests/check/api; do [ -d $d ] && echo $d; done; }

formatted() { c_files | xargs clang-format --dry-run -Werror; }
linted() { [ -z "$(lua_folders)" ] || luacheck --no-color -q $(lua_folders); }
shells_parse() {
  for file in tests/*.sh tests/*.bash tests/*/*.sh tests/*/*.bash .ci/run runtime/*/*.sh; do
    [ ! -f "$file" ] || bash -n "$file" || return 1
  done
}
peers_parse() {
  for file in tests/peer/*.js tests/bench/*.js; do
    [ ! -f "$file" ] || node --check "$file" || return 1
  done
}
# What npm wrote down must name no registry: it is to be had from any.
lock_names_no_registry() { ! grep -n '"resolved"' tests/peer/package-lock.json tests/bench/peers/package-lock.json; }
loadable() { # FOLDER: the scripts in it, files and folders
  ls -d "$1"/*.lua "$1"/*/main.lua 2>/dev/null | sed 's|/main.lua$||'
}
examples_load() {
  local bad=0
  for example in $(loadable examples); do
    "$BUILD/tidelock" check "$example" </dev/null || { bad=1 && echo "$example"; }
  done
  return $bad
}
reference_is_current() { # docs/api is what `make docs` writes
  tests/check/api.sh "$work/api" && diff -r "$work/api" docs/api
}
scripts_load() { "$BUILD/tidelock" check scripts </dev/null; }
compiled_in() { # stdlib is in the binary whole
  local count
  count=$(find stdlib -name '*.lua' ! -path 'stdlib/meta/*' | wc -l)
  [ "$(grep -c '^    {"tidelock' "$BUILD/stdlib_data.c")" = "$count" ]
}
# A start without a server must not load libwebsockets, nor may the binary ask for it.
starts_light() { ! ldd "$BUILD/tidelock" | grep libwebsockets; }

# Those left out promise how long things take, which valgrind slows twentyfold; their memory is
# looked at by ASan. The reloads of script_test are fewer.
under_valgrind() {
  local test tests=()
  export TIDELOCK_RELOADS=100 VALGRIND=1
  for test in tests/c/*_test.c; do
    test=$(basename "$test" .c)
    case " ${VALGRIND_SKIP-generation_test mutations_test rebase_test reload_request_test reload_test reload_fault_test watchdog_test} " in *" $test "*) ;; *) tests+=("$test") ;; esac
  done
  for test in "${tests[@]}"; do
    [ "$(jobs -pr | wc -l)" -lt "$jobs" ] || wait -n
    (valgrinded "$BUILD/tests/$test" >"$work/$test" 2>&1 || touch "$work/$test.failed") &
  done
  wait
  for test in "${tests[@]}"; do held "valgrind $test" said_well "$test"; done
}
said_well() { cat "$work/$1" && [ ! -e "$work/$1.failed" ]; }
# Staging and teardown, for what is shipped.
loads_under_valgrind() {
  local found
  found="$(ls -d scripts/main.lua 2>/dev/null | sed 's|/main.lua||') $(loadable examples)"
  [ -z "${found// /}" ] || held 'valgrind tidelock check' valgrinded "$BUILD/tidelock" check $found
}
valgrinded() {
  timeout -k 5 300 valgrind -q --error-exitcode=99 \
    --leak-check=full --show-leak-kinds=definite,indirect --trace-children=no \
    --suppressions=tests/check/valgrind.supp "$@"
}

sanitized() {
  COUNTS= "$MAKE" --no-print-directory BUILD="$BUILD-asan" asan-build || return 1
  BUILD=$BUILD-asan tests/run.sh c fuzz lua e2e peer
}

held 'format (clang-format)' formatted
held 'lint (luacheck)' linted
held 'layers' tests/check/layers.sh
held 'no mutable globals' tests/check/globals.sh "$BUILD"
held 'lengths' tests/check/lengths.sh
held 'tests/README.md names every test file' tests/check/readme.sh
held 'pages: names, columns, links' tests/check/docs.sh
tests/check/counts.sh | sed 's/^/     | /'
held 'shell scripts parse' shells_parse
held 'peers parse' peers_parse
held 'package-lock names no registry' lock_names_no_registry
held 'standard library compiled in' compiled_in
if [ -x "$BUILD/tidelock" ]; then
  held 'the binary needs no libwebsockets' starts_light
  held 'examples load' examples_load
  held 'the API reference is what make docs writes' reference_is_current
  [ ! -f scripts/main.lua ] || held 'the client loads' scripts_load
fi
counted 'tests' tests/run.sh c fuzz lua e2e peer
counted 'tests under ASan and UBSan' sanitized
under_valgrind
loads_under_valgrind
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
