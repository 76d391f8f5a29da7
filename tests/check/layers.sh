#!/bin/sh
# Fails where an include points the wrong way. A layer may include itself and those it is
# given below; a library belongs to the layers named for it.
#   main -> lua -> script -> sources, resource -> socket, server, vm, ui -> net, data, bridge
#   -> proto, loop -> core; what still points up is named in the table.
set -eu
files=$(find "${1:-runtime}" -name '*.[ch]' | sort)
[ -n "$files" ] || exit 0
awk '
BEGIN {
  may["core"] = " core "
  may["proto"] = " proto core "
  may["loop"] = " loop core "
  may["net"] = " net loop proto core "
  may["data"] = " data loop proto core "
  may["bridge"] = " bridge vm script" may["data"] may["net"]
  may["socket"] = " socket" may["net"]
  may["server"] = " server" may["net"]
  may["ui"] = " ui loop proto core "
  may["vm"] = " vm bridge script socket server" may["data"] may["net"]
  may["sources"] = " sources" may["vm"]
  may["resource"] = " resource sources lua" may["vm"]
  may["script"] = " script resource sources" may["vm"]
  may["lua"] = " lua" may["script"]
  may["main"] = " main" may["lua"]
  library["^(lua|luaconf|lualib|lauxlib)\\.h$"] = " bridge vm sources resource script lua "
  library["^uv(\\.h|/)"] = " loop net data socket server vm sources resource script lua main "
  library["^curl/"] = " net "
  library["^zlib\\.h$"] = " proto "
  library["^libwebsockets"] = " server "
  library["^sqlite3"] = " data "
  library["^(ncurses|curses|panel|term)"] = " ui "
  library["^(cjson/)?cJSON"] = " core "
  library["^(sys/socket|sys/epoll|netdb|netinet/|arpa/|poll\\.h)"] = " loop net server data ui script lua main "
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
