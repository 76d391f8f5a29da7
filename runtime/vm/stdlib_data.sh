#!/bin/sh
# Prints the C source of stdlib_files (see stdlib.h) for the Lua files named.
#   stdlib_data.sh stdlib/query.lua stdlib/server/socketio.lua
# "stdlib/x/init.lua" is the module "tidelock.x".
set -eu
LC_ALL=C export LC_ALL
printf '/* Generated from stdlib/ by runtime/vm/stdlib_data.sh. */\n'
printf '#include "vm/stdlib.h"\n\n'
i=0
for path in "$@"; do
  printf 'static const unsigned char file_%d[] = {\n' "$i"
  od -An -v -tu1 "$path" | sed 's/  */,/g; s/^,//; s/$/,/'
  printf '0};\n'
  i=$((i + 1))
done
printf '\nconst StdlibFile stdlib_files[] = {\n'
i=0
for path in "$@"; do
  module=$(printf '%s' "$path" | sed 's|^stdlib/|tidelock.|; s|\.lua$||; s|/init$||; s|/|.|g')
  printf '    {"%s", "%s", file_%d, sizeof file_%d - 1},\n' "$module" "$path" "$i" "$i"
  i=$((i + 1))
done
printf '    {0},\n};\n'
