#!/bin/sh
# Writes the API reference from the types for editors, and fails where those do not fit the code.
#   BUILD=build tests/check/api.sh FOLDER
# FOLDER gets a page for each file of stdlib/meta, and a list of them, README.md. The pages are made by
# a script of Tidelock's, tests/check/api, which can look at the modules as well. It has no files: it
# reads "=== NAME" and the lines of that file, for each, from standard input, and prints pages likewise.
set -eu
out=$1
cd "$(dirname "$0")/../.."
mkdir -p "$out"
work=$(mktemp -d "${TMPDIR:-/tmp}/tidelock-api.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Names of functions in the tables of the bindings, and of options in their lists. Modules called
# "core" are for stdlib: what is theirs alone is no part of the interface.
functions_of() { sed -n '/luaL_Reg/,/;/s/{"\([a-z_0-9]*\)", [a-z_]*}/\n=\1\n/gp' "$1"; }
registered() {
  for file in runtime/lua/*.c; do functions_of "$file"; done
  sed -n '/char \*const \(known\|keys\|all_keys\|sizes\)\[\]/,/;/s/"\([a-z_0-9]*\)"/\n=\1\n/gp' \
    $(grep -lE 'options_(check|given)' runtime/*/*.c)
  sed -n '/define ROUTE_OPTIONS/,/[^\\]$/s/"\([a-z_]*\)"/\n=\1\n/gp' runtime/lua/route.h
  sed -n '/^local option_names/,/}/s/"\([a-z_]*\)"/\n=\1\n/gp' stdlib/server.lua
}
core_only='accept add adopt at begin begins buffered change check civil cut date days declare
decode_parts drop empty end_line end_writer ends fail finish gate group hang_up hold instants is_open
learn let_in login_begin login_end next none note note_loss now_real number_problem offer on_last only
open origin parse place plan random read reader ready refused release resolve respond
owe retry_after script_name set_wall settle sleep_real start stored suggest take trace value
writer zone'
core_only="$core_only clocks current enter entry find go_on mutation new_id pend process scoped set_scoped unpend"

{
  for file in stdlib/meta/*.lua; do
    echo "=== $(basename "$file" .lua)"
    cat "$file"
  done
  echo '=== registered'
  registered | sed -n 's/^=//p' | sort -u | grep -vxF "$(echo "$core_only" | tr ' ' '\n')"
} >"$work/in"
# A binding that says it in other words would not be looked at.
for file in $(grep -l '^int luaopen_tidelock' runtime/lua/*.c); do
  [ -n "$(functions_of "$file")" ] || { echo "$file: no functions are found in it: see $0" >&2 && exit 1; }
done
"${BUILD:-build}/tidelock" run --memory --no-watch --allow api:files=tests/check/api tests/check/api <"$work/in" >"$work/pages"
rm -f "$out"/*.md
awk -v out="$out" '/^=== / { close(file); file = out "/" $2; printf "" >file; next } { print >file }' "$work/pages"
