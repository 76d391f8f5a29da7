#!/bin/sh
# Fails for each mutable variable with static storage in the objects of runtime/: everything
# hangs off Runtime. What has to be process-wide stands in globals.allow, with its reason.
#   globals.sh [BUILD]
set -eu
here=$(dirname "$0")
build=${1:-$here/../../build}
[ -n "$(find "$build/runtime" -name '*.o' 2>/dev/null | head -n 1)" ] || { echo "no object in $build/runtime: build it first" && exit 1; }
find "$build/runtime" -name '*.o' | sort | while read -r object; do
  source=${object#"$build/"}
  [ -f "${source%.o}.c" ] || continue # left from a file that is gone
  objdump -t "$object" | awk -v source="${source%.o}.c" '
    / (O (\.data|\.bss|\*COM\*)| [.]t(data|bss)[^ ]*\t)/ && !/ O \.data\.rel\.ro/ && $NF !~ /^\./ {
      name = $NF; sub(/\.[0-9]+$/, "", name); print source " " name }'
done | awk '
  NR == FNR { if ($1 !~ /^#/) { sub(/:$/, "", $2); allowed[$1 " " $2] }; next }
  !($0 in allowed) { print $1 ": mutable global: " $2; bad = 1 }
  END { exit bad }' "$here/globals.allow" -
