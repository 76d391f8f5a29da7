#!/usr/bin/env bash
# The demo in a pipe: lines in, lines out.
. "$(dirname "$0")/helpers.bash"

demo() { # INPUT: leaves what it printed in $seen, and $rc
  seen=$(printf "$1" | "$TIDELOCK" demo --plain --memory 2>"$TMPDIR/err")
  rc=$?
  errors=$(cat "$TMPDIR/err")
}
ended() { [ $rc = "$1" ]; }
quiet() { [ -z "$errors" ] || { echo "    on standard error: $errors" && return 1; }; }

demo 'hello\n/quit\n'
check 'a message is delivered and answered before /quit' \
  in_order 'logged in as Demo' 'project Welcome' 'connected' 'Demo: hello' 'Assistant: Hello, Demo!'
check 'the progress of the assistant is shown' in_order 'Demo: hello' '25 %' '60 %' '90 %' 'Assistant:'
check 'typing is shown' has 'Assistant is typing'
check 'the state of the system is shown' has 'active users: 1'
check 'a message is shown once' once 'Demo: hello'
check 'an answer is shown once' once 'Assistant: Hello'
check 'the end is a good one' ended 0
check 'nothing is logged' quiet

demo 'hello\nwhere are we'
check 'the end of the input is as good as /quit, its last line without an end too' \
  in_order 'Demo: hello' 'Assistant: Hello' 'Assistant: This is the project Welcome'
check 'the end of the input ends well' ended 0

demo ''
check 'no input at all ends well' ended 0

demo '/new Alpha\nfirst\n/open Welc\nsecond\n/open 2\n/open nowhere\n/open\n/projects\n/nonsense\n/help\nbye\n'
check 'commands and messages are dealt with in order' in_order 'project Alpha' 'Demo: first' \
  'project Welcome' 'Demo: second' 'project Moon base' 'you have no project nowhere' \
  '  1 Welcome' '> 2 Moon base' '  3 Alpha' 'Demo: bye' 'Assistant: You are welcome'
check 'an answer from a session left is shown with its place' has '(Alpha) Assistant: You said "first"'
check 'a new project is told once' once 'new project: Alpha'
check 'an unknown command gets a hint' has 'there is no command /nonsense: do you mean /new?'
check 'a command that lacks its name is told so' has '/open wants a name'
check 'the help names the commands' has '/new NAME'
check 'all of that ends well' ended 0

demo '\033[31mred\a\n//quit\nfail\n'
check 'control characters are not passed on' has 'Demo: ?[31mred?'
check 'two slashes send one' has 'Demo: /quit'
check 'a failing assistant is told' has 'the assistant failed: The assistant has no answer'
check 'a failing assistant is an answer too' ended 0

seen=$({ head -c 9000 /dev/zero | tr '\0' y && printf '\nfine\n'; } |
  "$TIDELOCK" demo --plain --memory 2>&1) && rc=0 || rc=$?
check 'a refused message is told with its reason, and what can be done' \
  in_order 'not sent: yyy' 'at most 8000 characters' '/retry sends again' 'Demo: fine'
check 'enough of it' eval '[ ${#seen} -lt 2000 ]'

seen=$(printf 'hello\n' | CHAT_PASSWORD=wrong "$TIDELOCK" demo --plain --memory 2>&1) && rc=0 || rc=$?
check 'a refused login is told' has 'does not know this e-mail address and password'
check 'a refused login ends with 1' ended 1

port=$(free_port)
seen=$(printf 'hello\n' | API_URL=http://127.0.0.1:$port "$TIDELOCK" run "$ROOT/scripts" --plain --memory 2>&1) &&
  rc=0 || rc=$?
check 'without a server it waits, and says so' has "waiting for the server at http://127.0.0.1:$port"
check 'what could not be sent is told' has 'left with 1 unsent'
check 'what could not be sent makes the end a bad one' ended 1

# A token that ends after each moment is renewed without a word.
mkfifo "$TMPDIR/in"
TOKEN_SECONDS=0.2 "$TIDELOCK" demo --plain --memory <"$TMPDIR/in" >"$TMPDIR/out" 2>&1 &
client=$!
exec 3>"$TMPDIR/in"
answers() { [ "$(grep -c '^Assistant: You said' "$TMPDIR/out")" -ge "$1" ]; }
echo one >&3
until_true answers 1
echo two >&3
until_true answers 2
exec 3>&-
wait $client
rc=$?
seen=$(cat "$TMPDIR/out")
check 'an expired token is renewed' in_order 'Demo: one' 'Demo: two' 'Assistant: You said "two"'
check 'no one hears of the renewal' lacks '!'
check 'that ends well too' ended 0

[ $bad = 0 ]
