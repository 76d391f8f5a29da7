#!/usr/bin/env bash
# The demo in a terminal, with copies of its scripts: they are edited while it runs, and the
# connection stays.
. "$(dirname "$0")/helpers.bash"
command -v tmux >/dev/null || { echo 'not ok the demo in a terminal # SKIP no tmux' && exit 0; }

cp -r "$ROOT/scripts" "$TMPDIR/client"
cp -r "$ROOT/examples/backend" "$TMPDIR/backend"
port=$(free_port)
cat >"$TMPDIR/start.sh" <<END
export PORT=$port API_URL=http://127.0.0.1:$port
cd "$TMPDIR" && "$TIDELOCK" run client=client backend=backend --data "$TMPDIR/data"
echo "ended with \$?"
cat
END
screen=tidelock-$$
mux() { tmux -L "$screen" "$@"; }
trap 'mux kill-server 2>/dev/null' EXIT
mux -f /dev/null new-session -d -x 120 -y 50 "bash $TMPDIR/start.sh"

look() { seen=$(mux capture-pane -p -S - -t 0); }
shows() { look && has "$1"; }
count() { grep -cF -- "$1" <<<"$seen"; }
type_line() { mux send-keys -t 0 -l "$1" && mux send-keys -t 0 Enter; }
# edit FILE FROM TO: saves by renaming, as editors do
edit() {
  sed "s/$2/$3/" "$TMPDIR/$1" >"$TMPDIR/edited" && mv "$TMPDIR/edited" "$TMPDIR/$1"
}

check 'it connects' until_true shows '* connected'
type_line 'one thing'
check 'a typed line is sent and answered' until_true shows 'You said "one thing": 2 words.'

edit client/messages.lua '"{name}: {content}"' '"<{name}> {content}"'
say_until() { # TEXT: types lines until one of them shows it
  local n=0
  while [ $n -lt 40 ]; do
    n=$((n + 1))
    type_line "line $n"
    until_true shows "line $n\": 2 words"
    shows "$1" && return 0
  done
  return 1
}
check 'a reload is told in passing' until_true shows '* client: reloaded (generation 2; messages.lua): '
check 'an edited text is seen with the next lines' say_until '<Demo> line'

edit client/handlers/assistant.lua 'view.message(answer)' 'print("ANSWER " .. answer.content)'
check 'an edited handler too' say_until 'ANSWER You said'

printf 'local x = = 1\n' >"$TMPDIR/client/screen.lua.new"
cat "$ROOT/scripts/screen.lua" >>"$TMPDIR/client/screen.lua.new"
mv "$TMPDIR/client/screen.lua.new" "$TMPDIR/client/screen.lua"
check 'a broken save says where' until_true shows 'client/screen.lua:1:'
check 'in passing, too' until_true shows '! client is not reloaded: client/screen.lua:1:'
type_line 'still here'
check 'and the previous generation goes on' until_true shows 'ANSWER You said "still here": 2 words.'
cp "$ROOT/scripts/screen.lua" "$TMPDIR/client/screen.lua"

edit backend/assistant.lua 'You said' 'I heard'
check 'the server is edited in the same way' say_until 'ANSWER I heard'

type_line '/status'
check 'the connection is the same all the while' until_true shows 'connection: connected'
look
check 'it was made once' once '* connected'
check 'it was never lost' lacks 'connection lost'
check 'nothing is logged on the screen' [ "$(count ERROR)" = 0 ]
seen=$(cat "$HOME/.local/state/tidelock/default.log")
check 'nor elsewhere but the broken save' [ "$(count ERROR)" = 1 ]

type_line 'last words'
type_line '/quit'
check 'it leaves when the last words are answered' until_true shows 'ended with 0'
check 'the last words are answered' shows 'ANSWER I heard "last words"'

[ $bad = 0 ]
