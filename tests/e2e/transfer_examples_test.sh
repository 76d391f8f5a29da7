#!/usr/bin/env bash
# The examples of a paged export and of an upload, both with progress: what is stored is what there
# was, a failure on the way is told, and leaves no file that looks whole.
. "$ROOT/tests/e2e/run.bash" || exit 1
serve <<'LUA'
local crypto = require "tidelock.crypto"
local asked, refused = 0, 0
local function page(request, count, size)
  local number = tonumber(request.query.page or 1)
  local data = {}
  for i = (number - 1) * size + 1, math.min(number * size, count) do data[#data + 1] = { id = i, text = "é\n" .. i } end
  return { success = true, data = data,
    pagination = { page = number, totalPages = math.ceil(count / size), total = count } }
end
web:get("/list", function(request)
  if request.headers.authorization ~= "Bearer moon" then return 401, { success = false, message = "who?" } end
  asked = asked + 1
  if asked == 2 then return 503, {}, { ["Retry-After"] = "0" } end
  return page(request, 25, 10)
end)
web:get("/broken", function(request)
  if request.query.page == "2" then return 404, { success = false, message = "gone" } end
  return page(request, 25, 10)
end)
local seen = {}
web:post("/files", function(request)
  local key = request.headers["idempotency-key"]
  if not seen[key] then
    seen[key] = true
    refused = refused + 1
    if refused == 1 then return 503, {}, { ["Retry-After"] = "0" } end
  end
  local boundary = request.headers["content-type"]:match "boundary=(.+)"
  local head, rest = request.body:match "^(.-)\r\n\r\n(.*)$"
  local bytes = rest:sub(1, -(#"\r\n--" + #boundary + #"--\r\n" + 1))
  print("got " .. head:match 'filename="([^"]*)"' .. " " .. crypto.sha256(bytes))
  return 201, {}
end)
LUA
mkdir files
export API_TOKEN=moon
try() { # EXAMPLE ACCESS ARGS...
  timeout 60 "$TIDELOCK" run --memory --no-watch --allow "$1:files=files$2" "$ROOT/examples/$1.lua" -- "${@:3}" >out 2>&1
  status=$?
  mark=1
}
try export :write "$WS_URL/list" all.jsonl
is "an export ends well" $status 0
is "and tells how far it is" "$(cat out)" "10 of 25 (40 %)
20 of 25 (80 %)
25 of 25 (100 %)
all.jsonl: 25 items"
is "each item is a line, once" "$(cut -d: -f2 files/all.jsonl | grep -c .) $(sort -u files/all.jsonl | wc -l)" "25 25"
is "nothing else is left" "$(ls files)" all.jsonl
try export :write "$WS_URL/broken" half.jsonl
is "a page that fails fails the export" $status 1
if grep -q '^not exported: .*404' out; then ok "and it is told"; else not_ok "and it is told"; fi
is "no file looks whole" "$(ls files)" "all.jsonl
half.jsonl.part"
try export "" "$WS_URL/list" denied.jsonl
is "a folder that is only read is refused" $status 1
head -c 6000000 /dev/urandom >files/large.bin
echo small >files/small.txt
try upload "" "$WS_URL/files" large.bin small.txt
is "an upload ends well" $status 0
is "its end is the answer" "$(grep -c ': stored$' out)" 2
if grep -q '^large.bin: 100 % of 60' out; then ok "its progress is shown"; else not_ok "its progress is shown"; fi
for name in large.bin small.txt; do
  read -r -t 10 line <&5
  is "$name arrives as it is" "$line" "got $name $(sha256sum <"files/$name" | cut -d' ' -f1)"
done
try upload "" "$WS_URL/files" nowhere.bin
is "a file that is not there fails" $status 1
finish
