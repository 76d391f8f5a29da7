#!/usr/bin/env bash
# Jars of cookies over reloads and restarts: what is kept, what is not, and what is wrong with it.
. "$(dirname "$0")/run.bash" || exit 1
data=$PWD/data
sql() {
  "$PYTHON" - "$data/default/state.db" "$1" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
for row in db.execute(sys.argv[2]): print(*row, sep="|")
db.commit()
PY
}
# write OPTIONS [SET]: a script that asks its own server, which sets the cookies SET
write() {
  cat <<LUA | save k.lua
local http, script, server = require "tidelock.http", require "tidelock.script", require "tidelock.server"
local srv = server.listen("s", {})
srv:get("/", function(req)
  return 200, req.headers.cookie or "-", { ["Set-Cookie"] = { ${2:-} } }
end)
local jar = http.cookies("shop", $1)
script.on_start(function(reason)
  local res, err = http.get(srv.url .. "/", { cookies = jar })
  print("SENT", reason, res and res.body or err)
  local names = {}
  for i, cookie in ipairs(jar:list()) do names[i] = cookie.name end
  print("HAS", reason, table.concat(names, " "))
  ${3:-script.exit(0)}
end)
LUA
}
restart() { run_to run k.lua --data "$data" --no-watch; }

write '{ persist = true }' '"kept=secret1; Max-Age=600", "gone=2", "short=3; Max-Age=1"'
restart
expect "the first start sends none" '^SENT	start	-$'
is "they lie in a file for this user alone" "$(stat -c %a data/default/state.db)" 600
is "session cookies are not kept" "$(sql "SELECT instr(bytes, 'gone') FROM cookies")" 0
write '{ persist = true }'
sleep 1.2
restart
expect "what is kept is there after a restart, and what is over is not" '^SENT	start	kept=secret1$'

write '{}'
restart
expect "who does not ask for it gets an empty jar" '^SENT	start	-$'

# --- what is kept cannot be read
sql "UPDATE cookies SET bytes = CAST('rubbish' || char(10) || CAST(bytes AS TEXT) AS BLOB)"
write '{ persist = true }'
restart
expect "what cannot be read is told" 'the cookies shop: what is kept cannot be read as a whole'
expect "the rest is used" '^SENT	start	kept=secret1$'
mark=1
never "and no value of a cookie" 'WARN.*(secret1|rubbish)'
sql "UPDATE cookies SET bytes = x'00ff00ff0a', version = 1"
restart
expect "a row that is none gives an empty jar" '^SENT	start	-$'

# --- clearing
write '{ persist = true }' '"a=1; Max-Age=600"' 'jar:clear() script.exit(0)'
restart
write '{ persist = true }'
restart
expect "what was cleared is gone on disk, too" '^SENT	start	-$'

# --- over a reload
write '{}' '"a=1"' 'require("tidelock.timer").every("hold", 60, print)'
start run k.lua --data "$data"
expect "a script that runs" '^HAS	start	a$'
write '{}' '"b=1"' 'require("tidelock.timer").every("hold", 60, print)'
expect "has the jar of before a reload, session cookies, too" '^SENT	reload	a=1$'
stop

# --- memory alone
write '{ persist = true }' '"a=1; Max-Age=600"'
run_to run k.lua --memory --no-watch
expect "with --memory it works without the disk" '^HAS	start	a$'
finish
