#!/usr/bin/env bash
# A process that has as many files open as it may: connections, in both directions, fail with an
# error that says so; what else must be opened (the sources of a reload) still can be; nothing
# aborts, nothing spins, and when files are free again, connections are made again.
. "$(dirname "$0")/run.bash"
at_most() { # FILES COMMAND ARGS...
  local files=$1
  shift
  (ulimit -n "$files" && exec "$@")
}

# --- who listens ------------------------------------------------------------------------------
version() { # N: of the server's script
  save server.lua <<LUA
local http = require "tidelock.http"
local script = require "tidelock.script"
local server = require "tidelock.server"
local timer = require "tidelock.timer"
local app = server.listen("app", { port = 0 })
app:get("/", function() return "version $1" end)
app:get("/ask", function()
  local answer, err = http.get("http://127.0.0.1:9/")
  return tostring(answer or err)
end)
app:get("/listen", function()
  local more, err = server.listen("more", { port = 0 })
  return tostring(more and "listens" or err)
end)
app:get("/cpu", function()
  local before = os.clock()
  require "tidelock.task".sleep(0.3)
  return tostring(os.clock() - before)
end)
timer.after(0.001, function() print("port " .. app.port, "version $1") end)
LUA
}
cat >crowd.py <<'PY'
# Opens 80 connections, and says how many were answered and how many closed; then passes on what it
# reads: each line is asked for on the first connection. Ends when its input does.
import socket, sys
port = int(sys.argv[1])
def ask(s, path):
    s.sendall(b"GET %s HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % (path.encode(), port))
    answer = s.recv(65536)
    return answer.partition(b"\r\n\r\n")[2].decode()
crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(80)]
answered = closed = 0
for s in crowd:
    try:
        if ask(s, "/"): answered += 1
        else: closed += 1
    except OSError:
        closed += 1
print("answered", "some" if 10 < answered < 45 else answered, "closed", "the others" if answered + closed == 80 else closed, flush=True)
for line in sys.stdin:
    path = line.strip()
    if path != "leave":
        print(ask(crowd[0], path), flush=True)
        continue
    for s in crowd: s.close()
    print(ask(socket.create_connection(("127.0.0.1", port)), "/"), flush=True)
PY
version 1
at_most 50 "$TIDELOCK" run --memory server.lua >>out 2>&1 </dev/null &
pid=$!
mark=1
expect "a server starts with few files" '^port [0-9]+'
port=${line//[!0-9 ]/}
port=${port# }
coproc CROWD { exec "$PYTHON" crowd.py "${port%% *}"; }
crowd() {
  answer=
  [ -z "$1" ] || echo "$1" >&"${CROWD[1]}"
  read -r -t 20 answer <&"${CROWD[0]}"
}
crowd ''
is "of a crowd some are answered, the others closed" "$answer" "answered some closed the others"
expect "that is told" 'WARN .*a connection is refused.*ulimit -n'
never "once" 'a connection is refused'
crowd /ask
has() { case $answer in *"$1"*) ok "$2" ;; *) not_ok "$2" "$answer" ;; esac; }
has 'CONNECT: could not connect to 127.0.0.1:9: this process has as many files open' "no connection goes out"
crowd /listen
has 'IO: cannot listen on 127.0.0.1 port 0: Too many open files' "no other server is opened"
crowd /cpu
is "nothing spins" "$(awk "BEGIN { print ($answer < 0.15) }")" 1
version 2
expect "a reload opens its files" '^port [0-9]+.*version 2'
crowd leave
is "when they have gone, others are served" "$answer" "version 2"
eval "exec ${CROWD[1]}>&-"
stop

# --- who connects -----------------------------------------------------------------------------
cat >backend.lua <<'LUA'
local server = require "tidelock.server"
local timer = require "tidelock.timer"
local app = server.listen("app", { port = 0 })
app:io()
timer.after(0.001, function() print("port " .. app.port) end)
LUA
cat >client.lua <<'LUA'
local env = require "tidelock.env"
local script = require "tidelock.script"
local socket = require "tidelock.socket"
local open, all, why = 0, {}, nil
for i = 1, 60 do
  local s = socket.connect("s" .. i, { url = env.get "WS_URL", reconnect = { delay = 0.05 }, transports = { "websocket" } })
  all[i] = s
  s:on_state(function(state, info)
    if state == "connected" then open = open + 1 end
    if state == "closed" then open = open - 1 end
    if info.error and not why then
      why = info.error
      print(("error %s, will retry: %s"):format(why, info.will_retry))
    end
    -- The first half leaves, and makes room for the other.
    if why and open > 10 and all[1] then
      print("some are open")
      for k = 1, 30 do all[k]:disconnect() end
      all = {}
    end
    if why and not all[1] and state == "connected" and i > 50 then
      print "others have taken their place"
      script.exit(0)
    end
  end)
end
LUA
start run --memory backend.lua
expect "a backend" '^port [0-9]+'
backend=$pid port=${line#port }
WS_URL="http://127.0.0.1:$port" at_most 40 timeout 20 "$TIDELOCK" run --memory client.lua >told 2>&1 </dev/null
is "a client of many connections ends well" $? 0
answer=$(<told)
has 'this process has as many files open as it may (ulimit -n)' "it is told why some are not"
has 'will retry: true' "they are tried again"
has 'others have taken their place' "they are made when others have gone"
pid=$backend
stop
finish
