#!/bin/sh
# Fails where an include points the wrong way. A layer may include itself and those it is
# given below; a library belongs to the layers named for it.
#   main -> lua -> script -> ui, server, data -> net -> proto -> core
set -eu
files=$(find "${1:-runtime}" -name '*.[ch]' | sort)
[ -n "$files" ] || exit 0
awk '
BEGIN {
  may["core"] = " core "
  may["proto"] = " proto core "
  may["ui"] = " ui proto core "
  may["data"] = " data net proto core "
  may["net"] = " net proto core "
  may["server"] = " server net proto core "
  may["script"] = " script ui data net server proto core "
  may["lua"] = " lua" may["script"]
  may["main"] = " main" may["lua"]
  library["^(lua|luaconf|lualib|lauxlib)\\.h$"] = " script lua "
  library["^uv(\\.h|/)"] = " ui data net server script lua main "
  library["^curl/"] = " net "
  library["^zlib\\.h$"] = " proto "
  library["^libwebsockets"] = " server "
  library["^sqlite3"] = " data "
  library["^(ncurses|curses|panel|term)"] = " ui "
  library["^(cjson/)?cJSON"] = " core "
  library["^(sys/socket|sys/epoll|netdb|netinet/|arpa/|poll\\.h)"] = " net server data ui script lua main "
}
FNR == 1 { split(FILENAME, part, "/"); layer = part[2] }
!(layer in may) { print FILENAME ": no such layer: " layer; bad = 1; nextfile }
/^[ \t]*#[ \t]*include[ \t]*"/ {
  split($0, quoted, "\""); target = quoted[2]
  if (target !~ /\// || target ~ /^\.\.?\//) complain("write it as \"layer/name.h\"")
  else { split(target, to, "/"); if (!index(may[layer], " " to[1] " ")) complain(layer " may not include " to[1]) }
}
/^[ \t]*#[ \t]*include[ \t]*</ {
  split($0, angled, /[<>]/)
  for (pattern in library)
    if (angled[2] ~ pattern && !index(library[pattern], " " layer " "))
      complain(layer " may not include <" angled[2] ">")
}
function complain(why) { printf "%s:%d: %s\n", FILENAME, FNR, why; bad = 1 }
END { exit bad }
' $files
