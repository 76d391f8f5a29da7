#!/usr/bin/env bash
# The demo's backend keeps what was said: over a second start, over kill -9, on a port of one's own.
. "$(dirname "$0")/helpers.bash"
pid=
trap 'kill -KILL $pid 2>/dev/null' EXIT
unset PORT API_URL WS_URL APP_URL
look() { seen=$(cat "$TMPDIR/out"); }
shows() { look && has "$1"; }
begin() { # ENVIRONMENT...
  rm -f "$TMPDIR/in" && mkfifo "$TMPDIR/in" && : >"$TMPDIR/out"
  env "$@" "$TIDELOCK" demo --no-watch --data "$TMPDIR/data" <"$TMPDIR/in" >"$TMPDIR/out" 2>&1 &
  pid=$!
  exec 3>"$TMPDIR/in"
}
killed() {
  kill -KILL $pid
  wait $pid 2>/dev/null
  exec 3>&-
}
left() {
  echo /quit >&3
  wait $pid
  rc=$?
  exec 3>&-
}
# asked PORT: what the server on that port has: the contents of all messages, one a line, and the theme
asked() {
  "$PYTHON" - "$1" <<'END'
import json, sys, urllib.request
base = "http://127.0.0.1:" + sys.argv[1]
def ask(path, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token: headers["Authorization"] = "Bearer " + token
    request = urllib.request.Request(base + path, json.dumps(body).encode() if body else None, headers)
    return json.load(urllib.request.urlopen(request))["data"]
login = ask("/api/auth/login", {"email": "demo@example.com", "password": "demo"})
token = login["token"]
print("theme", login["user"]["preferences"]["theme"])
for project in ask("/api/projects", token=token):
    assert isinstance(project["tags"], list), project
    for session in ask(f"/api/chat/projects/{project['id']}/sessions", token=token):
        for message in ask(f"/api/chat/sessions/{session['id']}/messages", token=token):
            assert isinstance(message["metadata"], dict), message
            print(project["name"] + ":", message["content"], message["status"])
END
}

begin A=1
until_true shows '* connected'
echo 'one thing' >&3
until_true shows 'You said "one thing"'
echo '/new Alpha' >&3
until_true shows 'project Alpha'
echo 'alpha one' >&3
until_true shows 'You said "alpha one"'
echo '/set theme dark' >&3
until_true shows 'theme is dark'
left
check 'the first run ends well' [ $rc = 0 ]

port=$(free_port)
begin PORT="$port" API_URL=http://127.0.0.1:1 WS_URL=ws://127.0.0.1:1
check 'PORT: client and server meet on it, whatever other addresses there are' until_true shows '* connected'
check 'the second start finds what was said' in_order 'from the last time: project Alpha' 'alpha one' 'connected'
check 'and tells no error' lacks '! '
seen=$(asked "$port")
check 'the server has it' in_order 'theme dark' 'Welcome: one thing processed' 'Alpha: alpha one processed'
echo 'alpha two' >&3
until_true shows 'You said "alpha two"'
killed

begin PORT="$port"
check 'after kill -9 too' until_true shows '* connected'
check 'nothing is missing' in_order 'alpha one' 'alpha two' 'connected'
check 'no error either' lacks '! '
seen=$(asked "$port")
check 'nor on the server' in_order 'Welcome: one thing' 'Alpha: alpha one' 'Alpha: alpha two'
check 'once each' [ "$(sort <<<"$seen" | uniq -d)" = '' ]
echo 'alpha three' >&3
check 'and it goes on' until_true shows 'You said "alpha three"'
left

for wrong in abc 99999 -1 80x; do
  seen=$(PORT=$wrong "$TIDELOCK" demo --memory </dev/null 2>&1)
  check "PORT=$wrong is wrong usage" [ $? = 2 ]
  check 'and says so' has "PORT=$wrong: a port is a number from 1 to 65535"
done
[ $bad = 0 ]
