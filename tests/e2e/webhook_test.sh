#!/usr/bin/env bash
# The example of a signed webhook: who receives it can check the signature; a failed one is repeated
# with the same key, and who has another secret is told.
. "$ROOT/tests/e2e/run.bash" || exit 1
serve <<'LUA'
local crypto, date = require "tidelock.crypto", require "tidelock.date"
local keys, count = {}, 0
web:post("/push", function(request)
  local h, key = request.headers, request.headers["idempotency-key"]
  local signature = crypto.hmac("sha256", "s3cret", h["x-time"] .. "." .. request.body)
  if not crypto.equal(h["x-signature"], signature) then return 401, { error = "signature" } end
  if math.abs(date.parse(h["x-time"]) - os.time()) > 60 then return 401, { error = "time" } end
  count = count + 1
  if count == 2 then return 503, { error = "later" }, { ["Retry-After"] = "0" } end
  if keys[key] then return 409, { error = "twice" } end
  keys[key] = true
  return 204
end)
LUA
export HOOK_URL=$WS_URL/push HOOK_SECRET=s3cret
printf 'one\ntwo\nthree\n' | timeout 60 "$TIDELOCK" run --memory --no-watch "$ROOT/examples/webhook.lua" >out 2>&1
is "it ends with its input" $? 0
is "each line is posted, the failed one too" "$(cat out)" "posted one
posted two
posted three"
echo four | HOOK_SECRET=other timeout 60 "$TIDELOCK" run --memory --no-watch "$ROOT/examples/webhook.lua" >out 2>&1
mark=1
if grep -q '^four was not posted: HTTP: .*401' out; then ok "another secret is told"; else not_ok "another secret is told"; fi
finish
