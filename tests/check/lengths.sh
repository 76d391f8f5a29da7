#!/bin/sh
# Warns of functions over 40 lines and files over 500; fails from 80 and 700. A function
# that is a table of cases is excepted (a third of its lines are cases, table rows or
# asserts).
set -eu
files=$(find runtime -name '*.[ch]' | sort)
[ -n "$files" ] || { echo "no C file in $PWD/runtime: run it at the root of the tree" && exit 1; }
awk -v warn=40 -v fail=80 -v long=500 -v toolong=700 '
FNR == 1 { ended(); head = ""; inside = 0; file = FILENAME }
{ lines = FNR }
inside { if ($0 ~ /^}/) { leave(); inside = 0; head = "" }
         else if ($0 ~ /^ *(case |default:|\{|assert|expect_|CHECK)/) rows++
         next }
/^[#\/ ]/ && !/\{$/ { if ($0 !~ /^ /) head = ""; else head = head $0; next }
/^$/ { head = ""; next }
{ head = head $0 }
/\{$/ { inside = 1; first = FNR; rows = 0; name = head; next }
/[;}]$/ { head = "" }
function leave() {
  if (name !~ /\(/ || name ~ /=/) return
  size = FNR - first - 1
  if (rows * 3 >= size || size <= warn) return
  sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
  say(first, name "() has " size " lines", size > fail)
}
function ended() {
  if (file != "" && lines > long) say(lines, "has " lines " lines", lines > toolong)
}
function say(line, what, fatal) {
  printf "%s:%d: %s%s\n", file, line, what, fatal ? "" : " (warning)"
  bad = bad || fatal
}
END { ended(); exit bad }
' $files
