#!/usr/bin/env bash
# Bodies that are read as they come, from a server whose bodies are long, slow, cut or endless
# (tests/peer/client_http_stream.lua against http_stream_server.js).
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. ./certificates.bash
(certificates server) >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

coproc PEER { exec node http_stream_server.js --folder="$folder" 2>&1; }
id=$PEER_PID
while read -r -t 20 word <&"${PEER[0]}" && [ "$word" != READY ]; do export "${word?}"; done
status=0
FOLDER=$folder "$TIDELOCK" test client_http_stream.lua --log error || status=1

# A gigabyte passes through little memory; what a sanitizer holds back for a while is its own.
case $BUILD in *-asan) : "${MOST_KB:=400000}" ;; esac
cat >"$folder/long.lua" <<'LUA'
local env, http, script = require "tidelock.env", require "tidelock.http", require "tidelock.script"
script.on_start(function()
  local size = 0
  local res = assert(http.get("http://127.0.0.1:" .. env.get "PLAIN" .. "/mib/1024", { stream = true }))
  for chunk in res:chunks() do size = size + #chunk end
  print(size)
  script.exit(0)
end)
LUA
measured='import resource, subprocess, sys
subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)'
out=$("${PYTHON:-/usr/bin/python3}" -c "$measured" \
  "$TIDELOCK" run --plain --memory --no-watch "$folder/long.lua" 2>&1) || true
size=$(head -1 <<<"$out") most=$(tail -1 <<<"$out")
if [ "$size" = 1073741824 ] && [[ $most =~ ^[0-9]+$ ]] && [ "$most" -lt "$((${MOST_KB:-60000}))" ]; then
  echo "ok 1 GiB is read with little memory"
else
  echo "not ok 1 GiB is read with little memory: $out"
  status=1
fi

# A generation that is replaced, and a process that ends, leave no stream open.
cat >"$folder/held.lua" <<'LUA'
local env, http, script = require "tidelock.env", require "tidelock.http", require "tidelock.script"
local task = require "tidelock.task"
local url = "http://127.0.0.1:" .. env.get "PLAIN"
local elsewhere = "http://localhost:" .. env.get "PLAIN"
local held
script.on_start(function(reason)
  held = assert(http.get(url .. "/pour/held", { stream = true, max_connections = 2 }))
  held:read()
  task.spawn(function() http.get(url .. "/silent/", { max_connections = 2, timeout = math.huge }) end)
  task.spawn(function() http.get(url .. "/silent/", { max_connections = 2, timeout = math.huge }) end)
  if reason == "start" then return script.reload() end
  for _ = 1, 200 do
    local state = http.get(elsewhere .. "/state"):json()
    if state.open <= 3 then print("open after the reload: few") break end
    task.sleep(0.05)
  end
  script.exit(0)
end)
LUA
out=$(timeout 30 "$TIDELOCK" run --plain --memory --no-watch "$folder/held.lua" 2>&1) || true
sleep 0.2
if [[ $out == *"open after the reload: few"* ]]; then
  echo "ok a reload ends the streams of the generation before"
else
  echo "not ok a reload ends the streams of the generation before: $out"
  status=1
fi
eval "exec ${PEER[1]}>&-"
wait "$id" 2>/dev/null || true
exit $status
