#!/usr/bin/env bash
# tidelock.fs: what a script reaches of the operator's folders, and nothing else; hostile names and
# links, full and read-only disks, a killed process. Disks of our own need a mount namespace: where
# there is none, those steps are skipped.
if [ "${1:-}" != inside ]; then
  for how in "unshare -m" "unshare -Urm"; do
    $how sh -c 'mount -t tmpfs -o size=64k none "$1"' _ "${TMPDIR:-/tmp}" 2>/dev/null || continue
    exec $how bash "$0" inside mounts
  done
  exec bash "$0" inside
fi
. "$ROOT/tests/e2e/run.bash" || exit 1

# tests NAME FOLDER... <<LUA: standard input is the rest of a file of tests, NAME_test.lua.
tests() {
  local name=$1 allowed=()
  shift
  for folder; do allowed+=(--allow "${name}_test:files=$folder"); done
  {
    cat <<'LUA'
local errors, fs, task, test = require "tidelock.errors", require "tidelock.fs", require "tidelock.task", require "tidelock.test"
local it, expect = test.it, test.expect
local function refused(code, word, value, err)
  expect(value).is_nil()
  if not errors.is(err, code) then error("not " .. code .. ": " .. tostring(err), 2) end
  expect(err.message).matches(word)
end
LUA
    cat
  } >"${name}_test.lua"
  timeout 100 "$TIDELOCK" test "${name}_test.lua" --log error "${allowed[@]}" >out 2>&1
  status=$?
  grep -E '^(ok|not ok) ' out
  if [ $status != 0 ]; then not_ok "$name: all pass" && mark=1; fi
}

mkdir -p in/sub outer data
echo secret >outer/secret
echo text >in/a.txt
ln -s "$PWD/outer/secret" in/absolute
ln -s ../outer/secret in/up
ln -s ../outer in/outside
ln -s a.txt in/near
ln -s /proc/self/root in/magic
ln -s .. in/parent
mkfifo in/pipe

tests none <<'LUA'
it("nothing is allowed until the operator allows it, and each call says how", function()
  local calls = {
    read = function() return fs.read "a" end, write = function() return fs.write("a", "") end,
    append = function() return fs.append("a", "") end, stat = function() return fs.stat "a" end,
    list = function() return fs.list() end, mkdir = function() return fs.mkdir "a" end,
    rename = function() return fs.rename("a", "b") end, remove = function() return fs.remove "a" end,
  }
  for name, call in pairs(calls) do refused("DENIED", "^fs%." .. name .. ":.*%-%-allow none_test:files=DIR", call()) end
  refused("DENIED", "%-%-allow none_test:files=/etc$", fs.folder "/etc")
  expect(fs.folders()).equals {}
end)
LUA

tests reads in <<'LUA'
it("a folder that is allowed for reading is read", function()
  expect(fs.read "a.txt").is "text\n"
  expect(fs.read "./sub//../a.txt").is_nil()
  expect(fs.stat "a.txt".size).is(5)
  expect(fs.stat "sub".type).is "folder"
  local names = {}
  for _, entry in ipairs(assert(fs.list())) do names[#names + 1] = entry.name .. ":" .. entry.type end
  expect(table.concat(names, " ")).is "a.txt:file absolute:link magic:link near:link outside:link parent:link pipe:other sub:folder up:link"
  expect(fs.folders()).equals { { dir = "in", write = false } }
end)
it("and not changed, with the option that would let it", function()
  for _, call in ipairs {
    function() return fs.write("a.txt", "") end, function() return fs.append("a.txt", "") end,
    function() return fs.mkdir "b" end, function() return fs.rename("a.txt", "b") end,
    function() return fs.remove "a.txt" end,
  } do refused("DENIED", "%-%-allow reads_test:files=in:write$", call()) end
  expect(fs.read "a.txt").is "text\n"
end)
it("no name leads out of it", function()
  for _, path in ipairs { "../outer/secret", "sub/../../outer/secret", "..", "sub/..", "absolute", "up", "outside/secret",
    "outside", "magic/etc/passwd", "parent/outer/secret", "parent/in/a.txt" } do
    refused("DENIED", "", fs.read(path))
    refused("DENIED", "", fs.stat(path))
    refused("DENIED", "", fs.list(path))
  end
  refused("DENIED", "%-%-allow reads_test:files=/etc$", fs.read "/etc/passwd")
  refused("DENIED", "%-%-allow reads_test:files=/$", fs.read "/passwd")
end)
it("odd names are names", function()
  refused("INVALID", "zero byte", fs.read "a.txt\0")
  refused("NOT_FOUND", 'read "a\\x0Ab\\xFF"', fs.read "a\nb\xff")
  refused("INVALID", "too long", fs.read(("n"):rep(300)))
  refused("DENIED", "too long", fs.read(("n/"):rep(3000)))
  refused("INVALID", "is a folder", fs.read "")
  refused("INVALID", "should be a folder", fs.read "a.txt/b")
end)
it("a pipe is refused at once", function() refused("INVALID", "no plain file", fs.read "pipe") end)
it("what is misused raises at the line of the caller", function()
  for word, call in pairs {
    ["read: a path is a string"] = function() fs.read(5) end,
    ["write: the text is a string"] = function() fs.write("a", 5) end,
    ["list: a path is a string"] = function() fs.list(false) end,
    ["read: max_bytes must be"] = function() fs.read("a", { max_bytes = 1.5 }) end,
    ["did you mean \"max_bytes\""] = function() fs.read("a", { max_byte = 1 }) end,
    ["did you mean \"parents\""] = function() fs.mkdir("a", { parent = true }) end,
    ["the folder is a string"] = function() fs.folder() end,
  } do
    expect(call).raises(word)
    expect(call).raises "reads_test.lua"
  end
end)
LUA

tests writes data:write in <<'LUA'
it("what was written is read, whatever bytes it has", function()
  for _, text in ipairs { "", "a\0b\xff\n", ("x"):rep(3 << 20) } do
    expect(fs.write("file", text)).is(true)
    expect(fs.read "file").is(text)
  end
  fs.remove "file"
  expect(fs.append("log", "one\n")).is(true)
  expect(fs.append("log", "two\0\n")).is(true)
  expect(fs.read "log").is "one\ntwo\0\n"
end)
it("sizes are bounded", function()
  fs.write("five", "12345")
  expect(fs.read("five", { max_bytes = 5 })).is "12345"
  refused("TOO_LARGE", "more than 4 bytes", fs.read("five", { max_bytes = 4 }))
  refused("TOO_LARGE", "more than 0 bytes", fs.read("five", { max_bytes = 0 }))
  refused("TOO_LARGE", "at most 4", fs.write("five", "123456", { max_bytes = 4 }))
  refused("TOO_LARGE", "at most 4", fs.append("five", "123456", { max_bytes = 4 }))
  expect(fs.read "five").is "12345"
  refused("TOO_LARGE", "", fs.write("big", ("x"):rep(1 << 12):rep(1 << 14) .. "x"))
end)
it("names of all kinds", function()
  for _, name in ipairs { "a\nb", "\xff\xfe", " ", "-rf", ("n"):rep(255), "...", "\u{1F600}", ".tidelock-0" } do
    expect(fs.write(name, name)).is(true)
    expect(fs.read(name)).is(name)
    expect(fs.remove(name)).is(true)
  end
  refused("INVALID", "too long", fs.write(("n"):rep(256), ""))
end)
it("folders are made, moved, removed", function()
  expect(fs.mkdir("p/q/r", { parents = true })).is(true)
  expect(fs.mkdir("p/q/r", { parents = true })).is(true)
  refused("BUSY", "already", fs.mkdir "p/q")
  refused("NOT_FOUND", "", fs.mkdir "x/y")
  refused("BUSY", "not empty", fs.remove "p")
  expect(fs.rename("p/q/r", "r")).is(true)
  expect(fs.stat "r".type).is "folder"
  expect(fs.remove "r").is(true)
  refused("NOT_FOUND", "nothing of that name", fs.remove "r")
  refused("DENIED", "", fs.rename("five", "../five"))
  refused("DENIED", "", fs.rename("../five", "five"))
end)
it("a name with a slash at its end is a folder's", function()
  assert(fs.write("plain", "kept"))
  refused("INVALID", "should be a folder", fs.remove "plain/")
  refused("INVALID", "should be a folder", fs.rename("plain/", "x"))
  refused("INVALID", "should be a folder", fs.read "plain/")
  refused("INVALID", "should be a folder", fs.stat "plain//")
  refused("INVALID", "is a folder", fs.append("x/", "new"))
  refused("INVALID", "is a folder", fs.write("x/", "new"))
  refused("NOT_FOUND", "", fs.stat "x")
  expect(fs.read "plain").is "kept"
  expect(fs.remove "plain").is(true)
  expect(fs.mkdir "x/").is(true)
  expect(fs.rename("x/", "y/")).is(true)
  expect(fs.remove "y/").is(true)
end)
it("another folder is reached by its name", function()
  local other = assert(fs.folder "in/")
  expect(other:read "a.txt").is "text\n"
  refused("DENIED", "files=in:write", other:write("a.txt", ""))
  expect(fs.folder "data":read "five").is "12345"
  refused("DENIED", "files=outer", fs.folder "outer")
  expect(function() return other.raed end).raises "did you mean"
end)
it("calls of several tasks go one after the other", function()
  local all = {}
  for i = 1, 50 do all[i] = function() return fs.append("order", i .. " ") end end
  assert(task.all(all))
  local count = 0
  for number in fs.read("order"):gmatch "%d+" do
    count = count + 1
    expect(tonumber(number)).is(count)
  end
  expect(count).is(50)
end)
it("a task that is cancelled leaves nothing half done", function()
  local text = ("y"):rep(1 << 12):rep(1 << 11)
  fs.write("whole", "old")
  for _ = 1, 20 do
    local first = task.spawn(function() return fs.write("whole", text) end)
    local second = task.spawn(function() return fs.write("never", "x") end)
    task.sleep(0)
    second:cancel()
    first:cancel()
    expect(function() first:await() end).raises "CANCELLED"
    local now = fs.read "whole"
    expect(now == "old" or now == text).is(true)
    refused("NOT_FOUND", "", fs.read "never")
    fs.write("whole", "old")
  end
  expect(#assert(fs.list())).is(5)
end)
it("others go on while it waits", function()
  local text, ticks, done = ("z"):rep(1 << 12):rep(1 << 13), 0, false
  task.spawn(function()
    for _ = 1, 3 do assert(fs.write("large", text)) end
    done = true
  end)
  while not done do
    task.sleep(0.001)
    ticks = ticks + 1
  end
  expect(ticks > 5).is(true)
end)
LUA

tests clock data:write <<'LUA'
it("a clock that stands still waits for files before it goes on", function()
  local clock, seen = test.clock(), nil
  task.spawn(function()
    for i = 1, 20 do assert(fs.write("clock", "x" .. i)) end
    seen = fs.read "clock"
  end)
  task.spawn(function()
    task.sleep(5)
    seen = seen or "the clock went on"
  end)
  clock.advance(5)
  expect(seen).is "x20"
  fs.remove "clock"
end)
LUA

wanted "a file that is larger than the script may use" && {
  truncate -s 3G data/huge
  tests huge data <<'LUA'
it("a file that is larger than the script may use is refused, and the script goes on", function()
  refused("TOO_LARGE", "", fs.read "huge")
  refused("TOO_LARGE", "", fs.read("huge", { max_bytes = 1 << 40 }))
end)
LUA
  rm data/huge
}

wanted "a call that waits for its turn" && {
  truncate -s 200M data/big
  tests big data:write <<'LUA'
it("a call has the room that there is when its turn comes", function()
  local text, read = ("x"):rep(1 << 20):rep(200), nil
  assert(task.all {
    function() refused("NOT_FOUND", "", fs.write("none/x", text, { max_bytes = 1 << 30 })) end,
    function() read = assert(fs.read("big", { max_bytes = 1 << 30 })) end,
  })
  expect(#read).is(200 << 20)
end)
LUA
  rm data/big
}

# While a script reads, another process puts a link out of the folder in the place of a folder.
wanted "folders that are swapped" && {
  mkdir -p race/d && echo mine >race/d/secret
  "$PYTHON" - "$PWD" <<'PY' &
import ctypes, os, sys
libc, top = ctypes.CDLL(None, use_errno=True), sys.argv[1].encode()
os.symlink(top + b"/outer", top + b"/race/l")
while not os.path.exists(top + b"/enough"):
    libc.renameat2(-100, top + b"/race/d", -100, top + b"/race/l", 2)
PY
  swapper=$!
  tests race race:write <<'LUA'
it("folders that are swapped for links lead nowhere else", function()
  local now = require "tidelock.timer".now
  local seen, reads, begun = {}, 0, now()
  while now() - begun < 2 or reads < 20 do
    local text, err = fs.read "d/secret"
    seen[text or err.code] = true
    reads = reads + 1
    if reads % 10 == 0 then fs.write("d/new", "x") end
  end
  seen["mine\n"], seen.DENIED, seen.NOT_FOUND, seen.INVALID = nil, nil, nil, nil
  expect(next(seen)).is_nil()
end)
LUA
  touch enough
  wait $swapper
  if [ -e outer/new ]; then not_ok "nothing was written out of the folder"; else ok "nothing was written out of the folder"; fi
}

wanted "a folder that is replaced" && {
  mkdir place && echo first >place/a
  save swap.lua <<'LUA'
local fs, timer = require "tidelock.fs", require "tidelock.timer"
timer.every(0.02, function() print("reads " .. tostring(fs.read "a")) end)
LUA
  start run --memory --no-watch --allow swap:files=place swap.lua
  expect "the folder is read" '^reads first'
  mv place moved && ln -s outer place && cp outer/secret outer/a
  mark=$(($(wc -l <out) + 1))
  seen '^reads '
  expect "its place is not what is read" '^reads first'
  never "the new one is not reached" 'secret'
  stop
}

wanted "a reload while a script waits" && {
  mkdir -p again
  save again.lua <<'LUA'
local fs, script = require "tidelock.fs", require "tidelock.script"
script.grace(0.1)
script.on_start(function()
  print "begins"
  for i = 1, 1e9 do
    local ok, err = pcall(fs.write, "f", ("v1 "):rep(1000000))
    if not ok then return print("cut: " .. tostring(err)) end
  end
end)
LUA
  start run --memory --allow again:files=again:write again.lua
  expect "a script waits for its files" '^begins'
  sed -i 's/v1/v2/' again.lua
  expect "a reload cuts its wait" '^cut: RELOADED'
  stop
  is "the file is one of both" "$(head -c 3 again/f | tr 12 xx)" "vx "
  is "nothing else is left" "$(ls -A again)" f
}

wanted "a process that is killed" && {
  mkdir -p killed
  save kill.lua <<'LUA'
local fs, script = require "tidelock.fs", require "tidelock.script"
script.on_start(function()
  local texts = { ("a"):rep(4 << 20), ("b"):rep(3 << 20) }
  for i = 1, 1e9 do
    assert(fs.write("f", texts[i % 2 + 1]))
    if i == 1 then print "begun" end
  end
end)
LUA
  bad=0
  for i in $(seq 12); do
    start run --memory --no-watch --allow kill:files=killed:write kill.lua
    seen '^begun' || bad=1
    read -r -t "0.0$((i * 7 % 10))$i" _ <><(:)
    kill -KILL "$pid"
    ended
    size=$(stat -c %s killed/f)
    letters=$(tr -d a <killed/f | wc -c)
    case $size:$letters in
    4194304:0 | 3145728:3145728) ;;
    *) bad=1 && echo "a file of $size bytes, $letters of them b" ;;
    esac
  done
  is "a process that is killed leaves the old file or the new one" $bad 0
}

wanted "names of nobody" && {
  run_to run --memory --no-watch --allow nobody:files=in again.lua
  is "a folder for a script that there is not is a mistake" "$status" 2
  expect "which is told" 'no script is called "nobody"'
  run_to run --memory --allow again:files=none again.lua
  is "so is a folder that there is not" "$status" 2
  expect "and it is told" 'cannot open the folder "none": No such file'
  run_to check --allow again:files=in again.lua
  is "check opens nothing and takes no folders" "$status" 2
}

if [ "${2:-}" = mounts ] && wanted "disks"; then
  mkdir -p small
  mount -t tmpfs -o size=256k none small
  tests full small:write <<'LUA'
it("a full disk is told, and what was there stays", function()
  assert(fs.write("a", "old"))
  assert(fs.append("b", "old"))
  refused("IO", 'write "a": the disk is full', fs.write("a", ("x"):rep(1 << 20)))
  refused("IO", 'append to "b": the disk is full', fs.append("b", ("x"):rep(1 << 20)))
  expect(fs.read "a").is "old"
  expect(fs.read "b").is "old"
  expect(#assert(fs.list())).is(2)
  assert(fs.write("a", "new"))
end)
LUA
  mount -o remount,ro small
  tests readonly small:write <<'LUA'
it("a read-only disk is told", function()
  for _, call in ipairs {
    function() return fs.write("a", "") end, function() return fs.append("a", "") end,
    function() return fs.mkdir "x" end, function() return fs.remove "a" end,
    function() return fs.rename("a", "x") end,
  } do refused("IO", "for reading alone", call()) end
  expect(fs.read "a").is "new"
end)
LUA
  umount small
fi
finish
