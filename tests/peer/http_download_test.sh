#!/usr/bin/env bash
# Downloads from a server that lies in every way (tests/peer/client_http_download.lua against
# http_download_server.js), and ones that end by kill -9.
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
mkdir "$folder/files"
trap 'rm -rf "$folder"' EXIT
coproc PEER { exec node http_download_server.js 2>&1; }
while read -r -t 20 word <&"${PEER[0]}" && [ "$word" != READY ]; do export "${word?}"; done
id=$PEER_PID
status=0
"$TIDELOCK" test client_http_download.lua --log error \
  --allow "client_http_download:files=$folder/files:write" || status=1

# --- killed while it runs, then to the end
cat >"$folder/bot.lua" <<'LUA'
local env, http, script = require "tidelock.env", require "tidelock.http", require "tidelock.script"
script.on_start(function()
  local url = "http://127.0.0.1:" .. env.get "PLAIN" .. "/plain/200000?slow=2000"
  local result, err = http.download(url, { file = "big", resume = true })
  print(result and "RESUMED" or err, result and result.resumed)
  script.exit(result and 0 or 1)
end)
LUA
run() { exec "$TIDELOCK" run --plain --memory --no-watch --allow "bot:files=$folder/files:write" "$folder/bot.lua"; }
for _ in 1 2 3; do
  run >"$folder/out" 2>&1 &
  bot=$!
  sleep 0.5
  kill -9 "$bot" && wait "$bot" 2>/dev/null || true
  [ ! -e "$folder/files/big" ] || { echo "not ok the name is there before the file is whole"; status=1; }
done
part=$(stat -c %s "$folder/files/big.part")
out=$(run 2>&1) || true
resumed=$(sed -n 's/^RESUMED[[:space:]]*//p' <<<"$out")
if [ "${resumed:-0}" -ge "$part" ] && [ "$part" -gt 50000 ]; then
  echo "ok a download that was killed goes on at the next start"
else
  echo "not ok a download that was killed goes on at the next start: $out, part $part"
  status=1
fi
node -e 'const b = require("fs").readFileSync(process.argv[1]);
  for (let n = 0; n < 200000; n++) if (b[n] !== ((n * 7 + 13 + (n >> 8)) & 255)) process.exit(1);
  process.exit(b.length === 200000 ? 0 : 1)' "$folder/files/big" &&
  echo "ok and is what the server has" || { echo "not ok and is what the server has"; status=1; }
left=$(ls "$folder/files" | grep '^big' | xargs)
[ "$left" = big ] && echo "ok and nothing else is left" || { echo "not ok nothing else is left: $left"; status=1; }

# --- a folder that goes while it is written in, and a disk that is full
rm "$folder/files/big"
run >"$folder/out" 2>&1 &
bot=$!
sleep 0.5
rm -rf "$folder/files"
wait "$bot" && code=0 || code=$?
if [ $code = 1 ] && [ "$(wc -l <"$folder/out")" = 1 ] && grep -q 'cannot' "$folder/out"; then
  echo "ok a folder that goes is one error"
else
  echo "not ok a folder that goes is one error: $code $(cat "$folder/out")"
  status=1
fi
mkdir "$folder/files"
(
  ulimit -f 50
  run
) >"$folder/out" 2>&1 && code=0 || code=$?
if [ $code = 1 ] && [ "$(wc -l <"$folder/out")" = 1 ] && grep -q 'TOO_LARGE: cannot write' "$folder/out" &&
  [ "$(stat -c %s "$folder/files/big.part")" -le 51200 ]; then
  echo "ok a file that the system does not take is one error, and what is there stays"
else
  echo "not ok a file that the system does not take is one error: $code $(cat "$folder/out")"
  status=1
fi
kill "$id" 2>/dev/null || true
exit $status
