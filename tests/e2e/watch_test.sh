#!/usr/bin/env bash
# Saves as editors and git make them, folders and links that come and go: one reload each, while
# about 1,000 numbered events a second are on the connection of the script, and none is lost.
. "$(dirname "$0")/run.bash" || exit 1
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org

# --- the script, in a folder that is reached through a link ----------------------------------
mkdir -p release-1/app shared
cd release-1/app || exit 1
cat >main.lua <<'LUA'
local socket, script = require "tidelock.socket", require "tidelock.script"
local timer, env = require "tidelock.timer", require "tidelock.env"
local keep = script.keep
local VERSION = "one"
local parts = require "parts"
pcall(require, "x.y.z.w.deep")
keep.sent, keep.seen, keep.wrong, keep.connects = keep.sent or 0, keep.seen or 0, keep.wrong or 0, keep.connects or 0
local chat = socket.connect("chat", { url = env.get("WS_URL") })
chat:on("connect", function() keep.connects = keep.connects + 1 end)
chat:on("echo", function(i)
  if i ~= keep.seen + 1 then keep.wrong = keep.wrong + 1 end
  keep.seen = i
end)
timer.every("source", 0.001, function()
  keep.sent = keep.sent + 1
  chat:emit("echo", keep.sent)
end)
script.on_start(function(reason) print("start", VERSION, parts, reason, script.generation) end)
script.on_stop(function() print("end", keep.seen, "wrong", keep.wrong, "connects", keep.connects) end)
LUA
cat >parts.lua <<'LUA'
local all = {}
for i = 1, 200 do all[require("part" .. i)] = true end
local names = {}
for name in pairs(all) do names[#names + 1] = name end
return table.concat(names, "+")
LUA
git init -q . && git checkout -q -b a
for i in {1..200}; do echo 'return "a"' >part$i.lua; done
git add . && git commit -q -m a && git checkout -q -b b
for i in {1..200}; do echo 'return "b"' >part$i.lua; done
git commit -q -a -m b && git checkout -q a
cd ../..
ln -s release-1 current
app=release-1/app

coproc PEER { exec node "$ROOT/tests/peer/socketio_server.js" 2>&1; }
read -r -t 20 word port <&"${PEER[0]}"
[ "$word" = PORT ] || { echo "not ok the peer starts: $word $port"; exit 1; }
export WS_URL=http://127.0.0.1:$port

number=0
# loaded NAME VERSION [PARTS]: the next load, good or bad, is the one of this version. So each
# change before it was one reload: the number counts them all.
loaded() {
  number=$((number + 1))
  expect "$1" "^start	$2	${3:-a}	[a-z]*	$number\$"
}
version() { sed "s/VERSION = \".*\"/VERSION = \"$1\"/" $app/main.lua; }

start run --memory current/app
loaded "starts" one

# --- editors --------------------------------------------------------------------------------
version plain >text && cat text >$app/main.lua
loaded "a plain save in place" plain
version renamed >$app/.new && mv $app/.new $app/main.lua
loaded "a save by renaming" renamed
for how in "nobackup nowritebackup" "backup writebackup backupcopy=no" "backup writebackup backupcopy=yes" \
  "nobackup writebackup backupcopy=auto" "backup writebackup backupcopy=breakhardlink"; do
  name=vim-$(tr -dc a-z <<<"$how")
  vim -u NONE -i NONE -N -es -c "set $how" -c "%s/VERSION = \".*\"/VERSION = \"$name\"/" -c wq $app/main.lua </dev/null
  loaded "vim: $how" "$name"
done
# The calls of GNU Emacs 28 for a first save, with its backup and its lock.
cat >emacs.py <<'PY'
import os, sys
folder, text = sys.argv[1], sys.stdin.read()
path, lock = folder + "/main.lua", folder + "/.#main.lua"
os.symlink("user@host.1:1", lock)
if sys.argv[2] == "backup":
    os.rename(path, path + "~")
fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
os.write(fd, text.encode())
os.close(fd)
os.unlink(lock)
os.chmod(path, 0o644)
PY
for how in backup again; do
  version "emacs-$how" | "$PYTHON" emacs.py $app $how
  loaded "emacs, $how" "emacs-$how"
done
# VS Code writes in place: truncates first, then writes.
version code >text
: >$app/main.lua && cat text >$app/main.lua
loaded "VS Code" code
rm -f $app/main.lua && cat text >$app/main.lua && version deleted >text && rm $app/main.lua && cat text >$app/main.lua
loaded "deleted and written again" deleted

# --- git ------------------------------------------------------------------------------------
git -C $app stash -q
loaded "git stash" one
git -C $app checkout -q b
number=$((number + 1))
expect "git checkout of 200 files" "^start	one	b	reload	$number\$"
git -C $app checkout -q a
loaded "and back" one

# --- folders and links ----------------------------------------------------------------------
mkdir -p $app/x/y.z/w && echo 'return "deep"' >$app/x/y.z/w/deep.lua
loaded "a file in new folders, deep" one
echo 'return "a"' >$app/x/y.z/w/deep.lua
loaded "is watched" one
cp -r release-1 release-2
sed -i 's/VERSION = ".*"/VERSION = "two"/' release-2/app/main.lua
ln -s release-2 next && mv -T next current
loaded "a flip of the link on the way" two
app=release-2/app
version after >text && cat text >$app/main.lua
loaded "the new folder is watched" after
mv release-1 old && sed 's/after/none/' text >old/app/main.lua
version linked >shared/main.lua
ln -s ../../shared/main.lua $app/.next && mv -T $app/.next $app/main.lua
loaded "a file that becomes a link" linked
sed 's/linked/target/' shared/main.lua >text && cat text >shared/main.lua
loaded "a save of what it leads to" target
sed 's/target/other/' text >shared/other.lua
ln -s other.lua shared/.next && mv -T shared/.next shared/main.lua
loaded "a flip of a link behind it" other
mv release-2 away && cp -r away release-2 && rm $app/main.lua && sed 's/other/moved/' shared/other.lua >$app/main.lua
loaded "the folder moved away and made anew" moved

# --- what is gone ---------------------------------------------------------------------------
rm $app/main.lua
expect "a script that is gone is told" 'WARN  app: current/app is gone: the generation that runs goes on'
sed 's/other/moved/' shared/other.lua >$app/main.lua
expect "and that it is back" 'INFO  app: current/app is back'
mv release-2 gone
expect "a folder that is gone" 'WARN  app: current/app is gone'
kill -HUP "$pid"
expect "SIGHUP says so" 'ERROR app: no script at current/app'
rm -f away/app/main.lua && sed 's/other/returned/' shared/other.lua >away/app/main.lua
mv away release-2
loaded "its return reloads" returned

# --- more changes than the system's queue holds ---------------------------------------------
# First a save in one step: then no reading is on its way that would find the next by chance.
version still >$app/.new && mv $app/.new $app/main.lua
loaded "a save before them" still
most=$(cat /proc/sys/fs/inotify/max_queued_events 2>/dev/null || echo 16384)
kill -STOP "$pid"
"$PYTHON" - $app "$most" <<'PY'
import os, sys
folder, count = sys.argv[1], int(sys.argv[2]) + 100
files = [open(folder + name, "w") for name in ("/one.txt", "/two.txt")]
for i in range(count):
    os.ftruncate(files[i % 2].fileno(), i + 1)
PY
version flooded >text && cat text >$app/main.lua
kill -CONT "$pid"
loaded "a save after more changes than the system notes" flooded
stop
seen '^end' && set -- $line
check_load() { [ "$2" -gt 1000 ] && [ "$4" = 0 ] && [ "$6" = 1 ]; }
if check_load "$@"; then ok "of over 1,000 events none is lost, on one connection"; else not_ok "no event is lost" "$line"; fi
is "what is gone was told once each time" "$(grep -c 'app is gone' out)" 2

# --- no watches left, and looking without them ----------------------------------------------
hold() { echo "require('tidelock.timer').every('hold', 60, print) print '$1'"; }
mkdir looked && hold one >looked/main.lua
polled() { # NAME
  expect "$1: starts" '^one$'
  hold two | save_in_place looked/main.lua
  expect "$1: a save is found" '^two$'
  mkdir -p looked/deep && echo 'print "three"' >looked/deep/m.lua && echo 'require "deep.m"' >>looked/main.lua
  expect "$1: a new folder" '^three$'
  echo 'print "four"' >looked/deep/m.lua
  expect "$1: a save there" '^four$'
  stop
  rm -r looked/deep && hold one >looked/main.lua
}
start run --memory --watch-poll looked
polled "--watch-poll"
if unshare -U -r sh -c 'echo 0 >/proc/sys/user/max_inotify_watches' 2>/dev/null; then
  : >out
  mark=1
  unshare -U -r sh -c 'echo 1 >/proc/sys/user/max_inotify_watches && exec "$@"' - "$TIDELOCK" run --memory looked >>out 2>&1 </dev/null &
  pid=$!
  expect "a limit on watches is told" 'WARN  watch: cannot watch .*: no space left on device; saves are looked for once a second instead'
  polled "without watches"
  is "the limit is told once" "$(grep -c 'cannot watch' out)" 1
fi
finish
