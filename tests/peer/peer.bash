# For tests of the client against a peer; to be sourced. Works in tests/peer.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
. ../only.bash
status=0
# against COMMAND...: starts the peer; its address is in WS_URL then. False: it did not start.
against() {
  coproc PEER { exec "$@" 2>&1; }
  peer=$PEER_PID
  read -r -t 20 word port <&"${PEER[0]}"
  export WS_URL="http://127.0.0.1:$port"
  [ "$word" = PORT ] && return
  echo "not ok starts: $*: $word $port"
  status=1
  return 1
}
# client FILE [LABEL]: runs a script's tests; what they are called begins with the label. With
# TEST_ONLY those alone whose name holds it, or all, if the label does.
client() {
  local only=()
  [ -z "${TEST_ONLY:-}" ] || { [ -n "${2:-}" ] && wanted "$2"; } || only=(--only "$TEST_ONLY")
  "$TIDELOCK" test "$1" --log error "${only[@]}" | sed "s/^\(not \)\?ok /&${2:+$2: }/" |
    grep -vE ' passed, |^# [^ ]*\.lua$'
  local codes=("${PIPESTATUS[@]}") # grep's is 1 if no test ran
  [ "${codes[0]}" = 0 ] || { [ ${#only[@]} -gt 0 ] && [ "${codes[2]}" = 1 ]; } || status=1
}
# The peer's standard input closes: it stops by itself.
leave() {
  eval "exec ${PEER[1]}>&-"
  wait "$peer" 2>/dev/null
}
