# What the end-to-end tests share. Each test says `ok NAME` or `not ok NAME` for itself.
set -u
. "$ROOT/tests/only.bash"
bad=0

ok() { echo "ok $1"; }
not_ok() { # NAME WHAT-WAS-SEEN...
  echo "not ok $1"
  shift
  printf '%s\n' "$@" | sed 's/^/    /'
  bad=1
}

# check NAME COMMAND...: holds when the command does.
check() {
  local name=$1
  shift
  if "$@"; then ok "$name"; else not_ok "$name" "failed: $*" "${seen:-}"; fi
}

# has TEXT: $seen has a line that is, or contains, TEXT
has() { grep -qF -- "$1" <<<"$seen"; }
lacks() { ! has "$1"; }
# once TEXT: in exactly one line
once() { [ "$(grep -cF -- "$1" <<<"$seen")" = 1 ]; }
# in_order TEXT...: in lines that follow each other, others in between allowed
in_order() {
  local from=1 line text
  for text; do
    line=$(tail -n "+$from" <<<"$seen" | grep -nF -m1 -- "$text" | cut -d: -f1)
    [ -n "$line" ] || { echo "    not there, or not in this order: $text" && return 1; }
    from=$((from + line))
  done
}

# until_true COMMAND...: polls it for a minute at most.
until_true() {
  local end=$((SECONDS + 60))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.02
  done
}

free_port() {
  "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
