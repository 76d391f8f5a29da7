#!/usr/bin/env bash
# tidelock.http against servers of another make, over plain connections and TLS; and the
# example that fetches.
set -u
if [ -z "${HOME_URL:-}" ]; then
  exec "$PYTHON" tests/e2e/http_servers.py "$0"
fi
status=0
check() { # NAME WANTED_STATUS GOT_STATUS WANTED_PART OUTPUT
  if [ "$2" = "$3" ] && [[ $5 == *"$4"* ]]; then echo "ok $1"; else
    printf 'not ok %s\nstatus %s\n%s\n' "$1" "$3" "$5"
    status=1
  fi
}

"$TIDELOCK" test tests/e2e/http_cases.lua || status=1

out=$("$TIDELOCK" run --no-watch examples/fetch.lua -- "$HOME_URL/tell?a=1" 2>&1)
check "the example fetches" 0 $? '"path": "/tell?a=1"' "$out"
out=$("$TIDELOCK" run --no-watch examples/fetch.lua -- http://127.0.0.1:1/ 2>&1)
check "the example tells what failed" 1 $? "failed: CONNECT" "$out"

cat >"$TMPDIR/leaving.lua" <<'LUA'
local http, script, task = require "tidelock.http", require "tidelock.script", require "tidelock.task"
script.on_start(function()
  for _ = 1, 10 do task.spawn(http.get, os.getenv "HOME_URL" .. "/held") end
  print(http.get(os.getenv "HOME_URL" .. "/tell").status)
  script.exit(3)
end)
LUA
out=$(timeout 10 "$TIDELOCK" run --no-watch "$TMPDIR/leaving.lua" 2>&1)
check "exit does not wait for requests" 3 $? 200 "$out"
cat >"$TMPDIR/crowded.lua" <<'LUA'
local http, script, task = require "tidelock.http", require "tidelock.script", require "tidelock.task"
script.on_start(function()
  for _, name in ipairs { "HOME_URL", "OTHER_URL", "HOME_URL" } do
    local jobs = {}
    for i = 1, 30 do jobs[i] = function() return assert(http.get(os.getenv(name) .. "/tell")) end end
    task.all(jobs)
  end
  print "all answered"
  script.exit(0)
end)
LUA
out=$(ulimit -n 64 && timeout 20 "$TIDELOCK" run --no-watch "$TMPDIR/crowded.lua" 2>&1)
check "kept connections give way where descriptors are short" 0 $? "all answered" "$out"
exit $status
