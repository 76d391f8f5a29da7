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
mkdir -p "$TMPDIR/files/below"
head -c 20971520 /dev/zero >"$TMPDIR/files/big"
printf 'a\0b' >"$TMPDIR/files/below/photo.png"
cat >"$TMPDIR/parts.lua" <<'LUA'
local http, script, server = require "tidelock.http", require "tidelock.script", require "tidelock.server"
local srv = server.listen("http", { max_body = 64 << 20 })
srv:post("/size", function(req) return 200, tostring(#req.body) end)
local count = 0
srv:put("/flaky", function(req)
  count = count + 1
  if count < 3 then return 503, "", { ["Retry-After"] = "0" } end
  return 200, req.body
end)
srv:post("/", function(req) return 200, req.body end)
script.on_start(function()
  local function send(part)
    local res, err = http.post(srv.url .. "/", { multipart = { part } })
    if err then return print(err.code, err.sent) end
    local head, body = res.body:match "^[^\n]*\n(.-)\r\n\r\n(.*)$"
    print((head:gsub("\r\n", "|")), (body:find("a\0b\r\n--tidelock", 1, true)))
  end
  send { name = "p", file = "below/photo.png", type = "image/png" }
  send { name = "p", file = "below/photo.png", filename = "mine" }
  local sent, all = {}, 20 << 20
  local res = http.post(srv.url .. "/size", { multipart = { { name = "a", body = "x" }, { name = "b", file = "big" } },
    on_progress = function(done, total) sent[#sent + 1] = done == total and "all" or done end })
  print(tonumber(res.body) > all and tonumber(res.body) < all + 1000, sent[#sent], #sent > 1)
  local api, bodies = http.client { base_url = srv.url, retries = 2 }, {}
  api:use(function(req, next) bodies[#bodies + 1] = req.body or "none" return next(req) end)
  res = api:put("/flaky", { multipart = { { name = "b", file = "below/photo.png" } } })
  print(res.status, res.body:find("\r\n\r\na\0b\r\n", 1, true) ~= nil, bodies[1])
  send { name = "p", file = "none" }
  send { name = "p", file = "../parts.lua" }
  script.exit(0)
end)
LUA
out=$(timeout 10 "$TIDELOCK" run --no-watch --plain --memory "$TMPDIR/parts.lua" --allow "parts:files=$TMPDIR/files" 2>&1)
check "files go as parts" 0 $? 'Content-Disposition: form-data; name="p"; filename="photo.png"|Content-Type: image/png	1
Content-Disposition: form-data; name="p"; filename="mine"|Content-Type: application/octet-stream	1
true	all	true
200	true	none
NOT_FOUND	no
DENIED	no' "$out"
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
