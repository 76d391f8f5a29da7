# For tests of `tidelock run`: a program in the background, whose output is waited for line by
# line, never slept for. To be sourced; works in a folder of its own.
set -u
. "$ROOT/tests/only.bash"
cd "$(mktemp -d)" || exit 1
failures=0 mark=0 pid=
ok() { echo "ok $1"; }
not_ok() { # NAME WHY
  echo "not ok $1${2:+: $2}"
  echo "--- output from line $mark on"
  tail -n +"$mark" out 2>/dev/null | head -60
  failures=$((failures + 1))
}
is() { # NAME GOT WANT
  if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got \"$2\", expected \"$3\""; fi
}
# start ARGS...: tidelock in the background, standard output and error both in the file out.
start() {
  : >out
  mark=1
  "$TIDELOCK" "$@" >>out 2>&1 </dev/null &
  pid=$!
}
# seen PATTERN: waits for a line that matches, after the last one that was waited for; it is in
# $line then. Fails after a minute, or when the program has ended without it.
seen() {
  local last=0 number
  for ((i = 0; ; i++)); do
    kill -0 "$pid" 2>/dev/null || last=1
    number=$(tail -n +"$mark" out | grep -n -m1 -E -e "$1" | cut -d: -f1)
    if [ -n "$number" ]; then
      mark=$((mark + number))
      line=$(sed -n "$((mark - 1))p" out)
      return 0
    fi
    [ $last = 0 ] && [ $i -lt 3000 ] || return 1
    read -r -t 0.02 _ <><(:)
  done
}
expect() { # NAME PATTERN
  if seen "$2"; then ok "$1"; else not_ok "$1" "no line like: $2"; fi
}
# never NAME PATTERN: no line like it so far, since the last that was waited for.
never() {
  if tail -n +"$mark" out | grep -q -E -e "$2"; then not_ok "$1" "there is a line like: $2"; else ok "$1"; fi
}
ended() { # → the exit status in $status
  wait "$pid"
  status=$?
  pid=
}
stop() {
  [ -z "$pid" ] || kill "$pid" 2>/dev/null
  [ -z "$pid" ] || ended
}
# run_to ARGS...: runs to the end; output in out, status in $status.
run_to() {
  timeout -k 1 100 "$TIDELOCK" "$@" >out 2>&1 </dev/null
  status=$?
  mark=1
}
# save FILE: standard input becomes the file by renaming, as editors do; save_in_place writes it.
save() { cat >"$1.new" && mv "$1.new" "$1"; }
save_in_place() { cat >"$1"; }
finish() { [ $failures = 0 ]; }
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null' EXIT
# serve: standard input is the rest of a script with the server `web`, which runs until the test ends;
# $server is its pid, WS_URL leads to it, descriptor 5 reads what it prints.
serve() {
  {
    cat <<'LUA'
local server, script = require "tidelock.server", require "tidelock.script"
local task, timer = require "tidelock.task", require "tidelock.timer"
local web = server.listen("web", { port = 0 })
LUA
    cat
    echo 'script.on_start(function() print("port " .. web.port) end)'
  } >server.lua
  mkfifo ports
  "$TIDELOCK" run server.lua >ports 2>server.log &
  server=$!
  trap 'kill -KILL $server $pid 2>/dev/null' EXIT
  exec 5<ports
  read -r _ port <&5
  export WS_URL=http://127.0.0.1:$port
}
