#!/usr/bin/env bash
# Runs the tests and counts them.
# Usage: BUILD=build tests/run.sh [--holding TEXT] [--only NAME] [--list] [KIND|FILE]...
#   c     the cmocka programs in $BUILD/tests
#   fuzz  each target in tests/fuzz over its corpus
#   lua   *_test.lua below tests/lua, scripts and examples, each through `tidelock test`
#   e2e   tests/e2e/*.sh, peer: tests/peer/*_test.sh: a test each, or several, if it
#         prints "ok NAME" and "not ok NAME" lines
# --holding runs the files alone whose name holds TEXT (with a / in it: whose path does);
# --only runs the tests alone whose name holds NAME. A shell test whose tests build on one
# another runs whole, and this is said, if its text holds NAME. --list names the files.
# As many files run at a time as there are processors, four at most; JOBS=1: one by one.
# Each program is its own process group, given TIME_LIMIT seconds, a folder of its own for
# TMPDIR and the XDG folders, and no standard input. What is left of its group when it
# ends is killed. The output of those that fail is shown. The last line is
# "N passed, N failed"; exit 1 if any failed, or none ran. COUNTS names a file that gets
# the two numbers.
set -u
cd "$(dirname "$0")/.." || exit 1
ROOT=$PWD
export TEST_ONLY=
holding= list=
while :; do
  case ${1:-} in
  --holding) holding=$2 && shift 2 ;;
  --only) TEST_ONLY=$2 && shift 2 ;;
  --list) list=1 && shift ;;
  *) break ;;
  esac
done
[ $# -gt 0 ] || set -- c

files_of() { # KIND
  case $1 in
  c) for file in tests/c/*_test.c; do echo "$file"; done ;;
  fuzz) for file in tests/fuzz/*_fuzz.c; do echo "$file"; done ;;
  lua) find tests/lua scripts examples -name '*_test.lua' 2>/dev/null | sort ;;
  e2e) for file in tests/e2e/*.sh; do echo "$file"; done ;;
  peer) for file in tests/peer/*_test.sh; do echo "$file"; done ;;
  *) echo "$1" ;;
  esac
}
chosen_files() { # KIND...
  local kind file name
  for kind; do
    for file in $(files_of "$kind"); do
      name=${file##*/}
      [[ $holding != */* ]] || name=$file
      [[ $name != *"$holding"* ]] || echo "$file"
    done
  done
}
name_files() { # KIND...: one line of names each
  local kind
  for kind; do
    echo "  $kind:" $(for file in $(files_of "$kind"); do
      file=${file##*/} file=${file%.*}
      echo "${file%_test}"
    done)
  done | fold -s -w 100 | sed 's/^\([^ ]\)/    \1/'
}
[ -z "$list" ] || { chosen_files "$@" && exit; }

case ${BUILD:=build} in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
TIDELOCK=$BUILD/tidelock
PYTHON=/usr/bin/python3
[ -x $PYTHON ] || PYTHON=python3
export ROOT BUILD TIDELOCK PYTHON CMOCKA_MESSAGE_OUTPUT=TAP
export LC_ALL=C.UTF-8 NO_COLOR=1
[ ! -d "$BUILD/locale" ] || export LOCPATH=$BUILD/locale
export ASAN_OPTIONS=detect_leaks=1:halt_on_error=1:exitcode=98:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$ROOT/tests/check/lsan.supp:print_suppressions=0
unset API_URL WS_URL APP_URL ENVIRONMENT http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
case $BUILD in *-asan) : "${TIME_LIMIT:=600}" ;; esac
export TIME_LIMIT=${TIME_LIMIT:-300}
passed=0 failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/tidelock-tests.XXXXXX")
pid=
stop() {
  # shellcheck disable=SC2046
  [ -z "$(jobs -pr)" ] || { kill $(jobs -pr) && wait; } 2>/dev/null
  [ -z "$pid" ] || kill -KILL -- "-$pid" 2>/dev/null
  rm -rf "$work"
}
stop_at_the_end() {
  trap stop EXIT
  trap 'exit 130' INT TERM
}
stop_at_the_end

# in_group COMMAND...: runs it as told above; its output is in $work/out, its status in $rc
in_group() {
  local home=$work/home
  rm -rf "$home"
  mkdir -p "$home/data" "$home/config" "$home/cache" "$home/tmp"
  XDG_DATA_HOME=$home/data XDG_CONFIG_HOME=$home/config XDG_CACHE_HOME=$home/cache \
    XDG_RUNTIME_DIR=$home/tmp TMPDIR=$home/tmp HOME=$home \
    timeout -k 5 "$TIME_LIMIT" "$@" >"$work/out" 2>&1 </dev/null &
  pid=$!
  wait $pid
  rc=$?
  kill -KILL -- "-$pid" 2>/dev/null
  pid=
}

# Counts "ok" and "not ok" lines; a program that failed without saying which is one more.
count() { # KIND
  ok=$(grep -c '^ok ' "$work/out")
  skipped=$(grep -c '^not ok .*# SKIP' "$work/out")
  bad=$(($(grep -c '^not ok ' "$work/out") - skipped))
  if [ $((ok + bad)) = 0 ] && [ $rc = 0 ] && [ -z "$TEST_ONLY" ]; then
    case $1 in
    e2e | peer) ok=1 ;;
    *) bad=1 && echo "it ran no test" >>"$work/out" ;;
    esac
  fi
  [ -z "$TEST_ONLY" ] || [ $((ok + bad)) -gt 0 ] || ! grep -q 'no test has a name like' "$work/out" || return
  if [ $rc != 0 ] && [ "$bad" = 0 ]; then
    bad=1
    [ $rc != 124 ] && [ $rc != 137 ] || echo "no end within $TIME_LIMIT seconds" >>"$work/out"
  fi
}

run_one() { # KIND NAME COMMAND...
  local kind=$1 name=$2 from=$EPOCHREALTIME
  shift 2
  in_group "$@"
  count "$kind"
  local ms=$(((${EPOCHREALTIME/[.,]/} - ${from/[.,]/}) / 1000))
  passed=$((passed + ok)) failed=$((failed + bad))
  [ $((ok + bad)) -gt 0 ] || return 0
  local word=ok
  [ "$bad" = 0 ] || word=FAIL
  printf '%-4s %-44s %4d passed, %d failed  %d.%02d s\n' \
    $word "$name" "$ok" "$bad" $((ms / 1000)) $((ms % 1000 / 10))
  [ "$skipped" = 0 ] || echo "     | $skipped skipped"
  [ "$bad" = 0 ] || { grep -v '^ok ' "$work/out" | tail -n 150 | sed 's/^/     | /' &&
    echo "     | exit status $rc"; }
}

# Those that ask `wanted`, or have a helper that does, filter themselves.
run_shell() { # KIND FILE
  local kind=$1 file=$2 cases
  cases=$(grep -o 'tests/e2e/[a-z_]*_cases\.py' "$file")
  if [ -n "$TEST_ONLY" ] && ! grep -qE '^ *(wanted|run_cases|from running import .*run_cases)|\bclient [a-z_]*\.lua' "$file" $cases; then
    grep -qF -- "$TEST_ONLY" "$file" $cases || return 0
    echo "     $file runs whole: its tests build on one another"
  fi
  run_one "$kind" "$file" "./$file"
}

run_file() { # FILE
  case $1 in
  *_test.c) set -- "$BUILD/tests/$(basename "$1" .c)" ;;
  esac
  case $1 in
  *.lua) run_one lua "$1" "$TIDELOCK" test "$1" --turn-limit 20 ${TEST_ONLY:+--only "$TEST_ONLY"} ;;
  *_fuzz.c)
    local target
    target=$(basename "$1" .c)
    [[ $target == *"$TEST_ONLY"* ]] || return 0
    run_one fuzz "fuzz/$target" "$BUILD/tests/$target" "$target" "tests/fuzz/corpus/${target%_fuzz}"
    ;;
  *e2e/*.sh) run_shell e2e "$1" ;;
  *peer/*.sh) run_shell peer "$1" ;;
  *) run_one c "c/$(basename "$1")" "$1" ;;
  esac
}

# --- several at a time ----------------------------------------------------------------------
processors=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
: "${JOBS:=$((processors < 4 ? processors : 4))}"
running=0

# In a process of its own; its lines and its counts lie in $work/PID until show_one takes them.
start_one() { # FILE
  (
    all=$work
    work=$all/$BASHPID.work
    mkdir "$work" && stop_at_the_end
    passed=0 failed=0
    if [ -e "$1" ]; then run_file "$1"; else echo "no such test file: $1" && failed=1; fi >"$all/$BASHPID.text"
    echo "$passed $failed" >"$all/$BASHPID.counts"
  ) &
  running=$((running + 1))
}

show_one() {
  local ended good=0 bad=1
  wait -n -p ended
  running=$((running - 1))
  cat "$work/$ended.text"
  read -r good bad <"$work/$ended.counts"
  passed=$((passed + good)) failed=$((failed + bad))
  rm -f "$work/$ended".*
}

files=$(chosen_files "$@")
[ -n "$files" ] || {
  echo "no test file's name holds \"$holding\"; there are:"
  name_files "$@"
}
for file in $files; do
  [ $running -lt "$JOBS" ] || show_one
  start_one "$file"
done
while [ $running -gt 0 ]; do show_one; done
[ -z "$TEST_ONLY" ] || [ -z "$files" ] || [ $((passed + failed)) -gt 0 ] ||
  echo "no test in these files has a name that holds \"$TEST_ONLY\":" $files
[ -z "${COUNTS:-}" ] || echo "$passed $failed" >"$COUNTS"
echo "${LABEL:+$LABEL: }$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
