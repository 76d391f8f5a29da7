#!/usr/bin/env bash
# Every example of README.md and docs/*.md, copied out and run as it stands. What a fence holds is
# told by its word: `lua` is a whole script (or a test, where it requires tidelock.test), `sh` are
# commands, `text` is anything else: a list, a log, a drawing. There are no other code blocks.
. "$(dirname "$0")/run.bash" || exit 1
unset PORT TOKEN

# --- what there is ---------------------------------------------------------------------------
# Each block of NAME.md that begins at line N becomes blocks/NAME-N.KIND.
copy_out() { # FILE
  awk -v name="$(basename "$1" .md)" '
    /^```/ && !inside { kind = substr($0, 4); inside = 1; file = "blocks/" name "-" NR "." kind; printf "" >file; next }
    /^```$/ { inside = 0; next }
    inside { print >file }' "$1"
}
indented() { # FILE: lines of code that no fence holds
  awk '/^```/ { fence = !fence; next }
    !fence && /^    [^ ]/ && (last == "" || last ~ /^#/) { print FILENAME ":" FNR ": " $0 }
    { last = $0 }' "$1"
}
mkdir blocks
for file in "$ROOT"/README.md "$ROOT"/docs/*.md; do copy_out "$file"; done
is "no code stands outside of a fence" "$(for file in "$ROOT"/README.md "$ROOT"/docs/*.md; do indented "$file"; done)" ""
is "each fence says what it holds" "$(ls blocks | grep -v -e '\.lua$' -e '\.sh$' -e '\.text$')" ""
is "no script is hidden among the lists" "$(grep -lE '^ *local .*require' blocks/*.text)" ""

# --- the check of the names, columns and links ----------------------------------------------
pages() { # SED EXPRESSION PAGE...: what the check says of pages that were changed so
  local how=$1
  shift
  rm -rf tree && mkdir -p tree/docs
  ln -s "$ROOT"/{runtime,stdlib,scripts,examples,tests,Makefile} tree/
  cp "$ROOT"/*.md tree/ && cp -r "$ROOT"/docs/* tree/docs/
  [ -z "$how" ] || for page in "$@"; do sed -i "$how" "tree/$page"; done
  (cd tree && tests/check/docs.sh 2>&1)
}
is "the pages name what there is" "$(pages '')" ""
row='^| `[a-z_/]*\.c` | '
for change in "s/\(${row}\`\)[a-z_]*()\`/\1no_such()\`/" "s/\(${row}\`\)[a-z_]*()\`/\1main()\`/" 's#^| `[a-z]*/#| `attic/#' \
  's/^| `Persist` |/| `Persists` |/' 's/(gdb) break [a-z_]*/(gdb) break none/' 's/`make docs`/`make doks`/' 's/CONTRIBUTING.md)/CONTRIBUTE.md)/'; do
  said=$(pages "$change" docs/architecture.md)
  is "a wrong name is seen: $change" "$(grep -q '^docs/architecture.md:[0-9]*: ' <<<"$said" && echo yes)" yes
done
long=$(printf 'word %.0s' {1..21})
is "a long line is seen" "$(pages "1s/.*/$long/" CONTRIBUTING.md)" "CONTRIBUTING.md:1: 105 columns"

is "a page that promises nothing is seen" "$(pages 's/After this page/Here/' docs/tasks.md)" \
  'docs/tasks.md:1: it does not begin with "After this page you can ..."'
is "a page without an example is seen" "$(pages 's/^```.*//' docs/schema.md)" "docs/schema.md:1: it does not begin with an example"

# Comments of the code: what they name is there.
rm -rf tree && mkdir tree && cp -R "$ROOT"/{runtime,stdlib,docs,README.md,CONTRIBUTING.md,Makefile} tree/
ln -s "$ROOT"/{scripts,examples,tests} tree/
comments() { # FILE COMMENT: what the check says with that comment more
  cp "tree/$1" kept && printf '%s\n' "$2" >>"tree/$1"
  (cd tree && tests/check/docs.sh 2>&1 | sed 's/:[0-9]*:/:N:/')
  mv kept "tree/$1"
}
is "a file that is gone" "$(comments runtime/core/log.c '/* as log_gone.c and core/log.h do */')" "runtime/core/log.c:N: log_gone.c: no such file"
is "one of another folder" "$(comments runtime/vm/vm.h '/* core/task.h */')" "runtime/vm/vm.h:N: core/task.h: no such file"
is "a function that is gone" "$(comments runtime/core/log.h '// log_write() calls log_nothing()')" \
  "runtime/core/log.h:N: log_nothing(): no such name in the code"
is "a name without parentheses" "$(comments stdlib/task.lua '-- as in task_never')" "stdlib/task.lua:N: task_never: no such name in the code"
is "a text is no comment" "$(comments stdlib/task.lua 'return "-- task_never", '\''never_c.c'\')" ""

is "there are examples" "$(($(ls blocks/*.lua | wc -l) > 10 && $(ls blocks/*.sh | wc -l) > 2))" 1

# --- where they run --------------------------------------------------------------------------
# Beside the demo's backend, the npm server, and a client for those that attach to one.
ln -s "$ROOT/examples" "$ROOT/scripts" "$ROOT/tests" .
cat >client.lua <<'LUA'
local env, socket = require "tidelock.env", require "tidelock.socket"
socket.connect("chat", { url = env.get "WS_URL" })
LUA
cat >probe.lua <<'LUA'
require("tidelock.timer").after(0.3, function() print "PROBED" end)
LUA
free_port() {
  "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
coproc PEER { cd "$ROOT/tests/peer" && exec node socketio_server.js 2>&1; }
read -r -t 20 _ port <&"${PEER[0]}"
export WS_URL=http://127.0.0.1:$port
backend_port=$(free_port)
PORT=$backend_port "$TIDELOCK" run --memory "$ROOT/examples/backend" >backend.out 2>&1 </dev/null &
backend=$!
trap 'kill -KILL $backend ${pid:-} 2>/dev/null' EXIT
export API_URL=http://127.0.0.1:$backend_port
until_up() { for ((i = 0; i < 1000; i++)); do (: <>"/dev/tcp/127.0.0.1/$backend_port") 2>/dev/null && return; sleep 0.02; done; return 1; }
until_up || not_ok "the backend starts" "$(cat backend.out)"
mkfifo typed
exec 9<>typed # standard input that does not end

# What some of them show: the file, a text in the block, what is printed.
shows='
scripts|print "tick"|^start$
scripts|print "tick"|^tick$
tasks|done: |^done: first$
tasks|done: |^[0-9]+	[0-9]+$
socket|the server has it|^the server has it$
schema|schema.enum|^1714566600
schema|schema.enum|^INVALID: content: expected string, received number; tags.2.: expected string, received number$
store|half-way|^0	->	50$
http|tag = |^401	
http|no list|^no list: HTTP: 
http|api:use|^GET	200	true$
http|api:use|^shop$
http|res:lines()|^lock!$
http|shop:items|^apple 3$
http_events|event.type, event.data|^message	4.2 m	2$
http_events|news: |^news: the tide turns	nil$
http_events|http.last_id "log"|^had	1$'

# run ARGS...: beside the probe; waits for what BLOCK shows, then ends it, kindly.
run() { # NAME BLOCK ARGS...
  local name=$1 block=$2 file text pattern
  shift 2
  : >out
  mark=1
  PORT=$(free_port) "$TIDELOCK" "$@" probe.lua >>out 2>&1 <typed &
  pid=$!
  if seen '^PROBED$'; then ok "$name: runs"; else not_ok "$name: runs"; fi
  while IFS='|' read -r file text pattern; do
    [ -n "$file" ] && [[ $(basename "$block") = "$file"-* ]] && grep -qF -- "$text" "$block" || continue
    mark=1
    expect "$name: shows $pattern" "$pattern"
    echo "$file|$text" >>shown
  done <<<"$shows"
  kill -TERM "$pid" 2>/dev/null
  ended
  mark=1
  never "$name: nothing fails" ' (ERROR|WARN) |stack traceback|^tidelock: '
}

# --- the scripts -----------------------------------------------------------------------------
name_of() { basename "$1" | sed 's/\(.*\)-\(.*\)\..*/\1.md:\2/'; }
for block in blocks/*.lua; do
  name=$(name_of "$block")
  # One that a command names is there under that name, too.
  file=$(sed -n '1,3s/^--.*tidelock run \([a-z_]*\.lua\).*/\1/p' "$block")
  [ -z "$file" ] || cp "$block" "$file"
  if grep -q 'require "tidelock.test"' "$block"; then
    cp "$block" example_test.lua
    run_to test example_test.lua
    is "$name: its tests pass" "$status" 0
  else
    run "$name" "$block" run --memory --no-watch example="$block" client=client.lua
  fi
done
is "README.md shows the example as it is" "$(cat blocks/README-*.lua)" "$(cat "$ROOT/examples/echo_bot.lua")"
is "each text that is looked for was in some example" "$(sed 's/|[^|]*$//' <<<"$shows" | sed '/^$/d' | sort -u)" "$(sort -u shown)"

# --- the commands ----------------------------------------------------------------------------
# command NAME WORD...: one line, without its comment
command() {
  local name=$1
  shift
  while [[ ${1:-} =~ ^[A-Z_]+= ]]; do shift; done
  case $1 in
  make) is "$name: there is such a goal" "$(grep -c "^${2:-all}:" "$ROOT/Makefile")" 1 ;;
  tidelock | build/tidelock)
    shift
    case $1 in
    run | demo) run "$name" /dev/null "$@" ;;
    *)
      run_to "$@"
      is "$name: ends well" "$status" 0
      ;;
    esac
    ;;
  "(cd") is "$name: what is installed is written down" "$(ls "$ROOT/$2/package-lock.json")" "$ROOT/$2/package-lock.json" ;;
  tests/*) if [ -x "$ROOT/$1" ]; then ok "$name: is there"; else not_ok "$name: is there"; fi ;;
  *) not_ok "$name: make, tidelock, or a file of tests/" ;;
  esac
}
for block in blocks/*.sh; do
  while read -r line; do
    line=${line%%#*}
    # shellcheck disable=SC2086
    [ -z "${line// /}" ] || command "$(name_of "$block"): ${line%"${line##*[! ]}"}" $line
  done <"$block"
done

# --- options ---------------------------------------------------------------------------------
# Every option that the editor types have stands in the table.
meta=$ROOT/stdlib/meta
for option in $(sed -n '/^---@class tidelock.SocketOptions/,/^$/s/^---@field \([a-z_]*\).*/\1/p' "$meta/socket.lua") \
  $(sed -n '/^---@class tidelock.Route/,/^$/s/^---@field \([a-z_]*\).*/\1/p' "$meta/http.lua"); do
  options="${options:-} $option"
  sed -n '/^## Options/,/^## Connecting/p' "$ROOT/docs/socket.md" | grep -q "\`$option\`" ||
    not_ok "docs/socket.md tells of each option" "not of $option"
done
is "docs/socket.md: options were looked for" "$(($(wc -w <<<"${options:-}") > 30))" 1
finish
