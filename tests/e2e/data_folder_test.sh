#!/usr/bin/env bash
# Where data goes: the option, the environment, the profile, and what happens when it cannot.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
echo 'print "ran"' >"$work/s.lua"
check() { # NAME CONDITION...
  local name=$1
  shift
  if "$@"; then echo "ok $name"; else
    echo "not ok $name"
    status=1
  fi
}
"$TIDELOCK" run "$work/s.lua" --data "$work/a/b" --profile work >/dev/null
check "--data and --profile make the folder" [ -d "$work/a/b/work" ]
check "it is private" [ "$(stat -c %a "$work/a/b/work")" = 700 ]
XDG_DATA_HOME="$work/xdg" "$TIDELOCK" run "$work/s.lua" >/dev/null
check "XDG_DATA_HOME is the default" [ -d "$work/xdg/tidelock/default" ]
XDG_DATA_HOME="$work/none" "$TIDELOCK" run "$work/s.lua" --memory >/dev/null
check "--memory makes none" [ ! -e "$work/none" ]
"$TIDELOCK" demo --plain --data "$work/demo" </dev/null >/dev/null 2>&1
check "the demo has a profile of its own" [ -d "$work/demo/demo" -a ! -e "$work/demo/default" ]
"$TIDELOCK" demo --plain --data "$work/demo" --profile mine </dev/null >/dev/null 2>&1
check "unless told otherwise" [ -d "$work/demo/mine" ]
touch "$work/file"
out=$("$TIDELOCK" run "$work/s.lua" --data "$work/file" 2>&1)
rc=$?
check "a folder that cannot be made: exit 1" [ $rc = 1 ]
check "one line that names it and what to do" [ "$(grep -c "$work/file.*--memory" <<<"$out")" = "$(wc -l <<<"$out")" ]
out=$(env -u HOME -u XDG_DATA_HOME "$TIDELOCK" run "$work/s.lua" 2>&1)
check "no HOME: exit 1" [ $? = 1 ]
"$TIDELOCK" run "$work/s.lua" --profile ../x 2>/dev/null
check "a profile is a name: exit 2" [ $? = 2 ]
exit $status
