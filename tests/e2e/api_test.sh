#!/usr/bin/env bash
# The API reference, docs/api: it is what tests/check/api.sh writes from stdlib/meta, its examples
# run and print what it says, and its links lead somewhere. What api.sh checks is tried on a copy of
# the sources in which something is wrong. At last: what `make install` puts where editors look.
. "$(dirname "$0")/run.bash" || exit 1
api=$ROOT/docs/api

# --- the pages -------------------------------------------------------------------------------
"$ROOT/tests/check/api.sh" "$PWD/pages" >out 2>&1 || not_ok "the annotations fit the code"
is "each module has a page" "$(cd pages && ls)" \
  "$(cd "$ROOT/stdlib/meta" && { echo README.md; ls | sed 's/\.lua$/.md/'; })"
is "docs/api is what make docs writes" "$(diff -r pages "$api" | head -20)" ""
required() { # the modules that scripts may require: those of C and of stdlib, but for what is in them
  sed -n 's/^ *{"tidelock\.\([a-z]*\)", luaopen.*/\1/p' "$ROOT"/runtime/lua/modules.c
  ls "$ROOT"/stdlib/*.lua | sed 's|.*/||; s/\.lua$//'
}
is "each module has types" "$(required | sort -u)" "$(cd "$ROOT/stdlib/meta" && ls | sed 's/\.lua$//')"
is "no type is defined twice" "$(grep -rhoE '^---@(class|alias) [A-Za-z_.]+' "$ROOT/stdlib" | sort | uniq -d)" ""
is "README.md leads to them" "$(grep -c '(docs/api/README.md)' "$ROOT/README.md")" 1

# --- links -----------------------------------------------------------------------------------
anchors() { # FILE: those of its headings, as GitHub makes them
  sed -n 's/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | sed 's/[^a-z0-9_-]//g' |
    awk '{ n = seen[$0]++; print n ? $0 "-" n : $0 }'
}
dead=$(
  for page in "$api"/*.md; do
    grep -oE '\]\([^) ]*\)' "$page" | sed 's/^](//; s/)$//' | grep -v '^https:' | sort -u |
      while IFS='#' read -r file anchor; do
        target=$page
        [ -z "$file" ] || target=$api/$file
        [ -f "$target" ] || { echo "$(basename "$page"): $file" && continue; }
        [ -z "$anchor" ] || anchors "$target" | grep -qxF -e "$anchor" || echo "$(basename "$page"): $file#$anchor"
      done
  done
)
is "no link leads nowhere" "$dead" ""
is "there are links" "$(($(grep -ohE '\]\([a-z]*\.?m?d?#' "$api"/*.md | wc -l) > 200))" 1
is "what is not a table has 100 columns" \
  "$(grep -nE '^[^|`].{100,}' "$api"/*.md | grep -vE 'https://' | sed "s|$api/||")" ""

# --- examples --------------------------------------------------------------------------------
# The one in a page, and the text block right behind it: what it prints, those lines in that order.
block() { # KIND FILE
  awk -v kind="$1" '/^```/ { if (inside) exit; inside = $0 == "```" kind; next } inside' "$2"
}
printed() { # FILE: the first text block behind the example
  awk '/^```lua$/ { lua = 1 } lua && /^```text$/ { on = 1; next } on && /^```$/ { exit } on
    lua && /^## / { exit }' "$1"
}
for page in "$api"/*.md; do
  name=$(basename "$page" .md)
  block lua "$page" >example.lua
  printed "$page" >wanted
  if grep -q 'tidelock.test' example.lua; then
    cp example.lua example_test.lua
    run_to test example_test.lua
    is "$name.md: its tests pass" "$status" 0
  else
    mkfifo typed
    { echo Ada && exec sleep 100; } >typed &
    feeder=$!
    : >out
    mark=1
    case $name in
    input) echo Ada | "$TIDELOCK" run --memory --no-watch example.lua >out 2>&1 & ;;
    *) "$TIDELOCK" run --memory --no-watch example.lua >out 2>&1 <typed & ;;
    esac
    pid=$!
  fi
  mark=1
  is "$name.md: says what its example prints" "$(($(wc -l <wanted) > 0))" 1
  while IFS= read -r wanted; do
    if [ -n "$pid" ]; then
      expect "$name.md: prints $wanted" "(^|Z )$(sed 's/[][\\.*^$()+?{}|]/\\&/g' <<<"$wanted")\$"
    else
      is "$name.md: prints $wanted" "$(grep -cxF -e "$wanted" out)" 1
    fi
  done <wanted
  stop
  mark=1
  never "$name.md: nothing fails" ' (ERROR|WARN) |stack traceback|^tidelock: '
  [ ! -p typed ] || { kill "$feeder" 2>/dev/null && wait "$feeder" 2>/dev/null; rm typed; }
done

# --- what is checked -------------------------------------------------------------------------
mkdir -p copy/tests/check copy/runtime copy/stdlib
fresh() {
  rm -rf copy/stdlib/meta copy/runtime/lua
  cp -R "$ROOT/stdlib/meta" copy/stdlib/
  cp -R "$ROOT/runtime/lua" copy/runtime/
  cp "$ROOT/stdlib/server.lua" copy/stdlib/
}
cp -R "$ROOT"/tests/check/api* copy/tests/check/
fresh
copy/tests/check/api.sh "$PWD/again" >out 2>&1
is "a copy of the sources gives the same pages" "$? $(diff -r again "$api")" "0 "

# refuses NAME FILE SED TEXT: with FILE changed like that the check fails, and says TEXT
refuses() {
  fresh
  sed -i "$3" "copy/$2"
  if cmp -s "copy/$2" "$ROOT/$2"; then not_ok "$1: the copy differs"; fi
  copy/tests/check/api.sh "$PWD/refused" >out 2>&1
  status=$?
  mark=1
  if [ $status = 0 ]; then not_ok "refused: $1"; elif grep -qF -e "$4" out; then ok "refused: $1"; else not_ok "refused: $1"; fi
}
meta=stdlib/meta
refuses 'a parameter without a description' $meta/timer.lua 's/^---@param fn fun() runs.*/---@param fn fun()/' 'parameter fn has no description'
refuses 'an argument without an annotation' $meta/task.lua '/^---@param seconds/d' 'the arguments are (seconds)'
refuses 'an argument of another name' $meta/random.lua 's/random.hex(count)/random.hex(n)/' 'the arguments are (n)'
refuses 'a result without a description' $meta/random.lua 's/^---@return string uuid.*/---@return string uuid/' 'result uuid has no description'
refuses 'a field without a description' $meta/json.lua 's/^\(---@field pretty? boolean\).*/\1/' 'field pretty has no description'
refuses 'a function without a description' $meta/log.lua '/^---Writes a record of the level WARN/d' 'warn: has no description'
refuses 'a type that there is not' $meta/input.lua 's/tidelock.Handler?/tidelock.Handle?/' 'no such type: tidelock.Handle'
refuses 'a type that is none' $meta/env.lua 's/^---@param name string/---@param name string|/' 'no'
refuses 'an unknown annotation' $meta/env.lua 's/^---@param name/---@parm name/' 'an unknown annotation: @parm'
refuses 'annotations in the air' $meta/env.lua 's/^function env.get.*//' 'belong to nothing'
refuses 'a class defined twice' $meta/timer.lua 's/^---@class tidelock.Timer/---@class tidelock.Task/' 'defined twice: tidelock.Task'
refuses 'a name by which require does not find it' $meta/store.lua '1s/.*/---@meta/' 'the first line is not ---@meta tidelock.store'
refuses 'a module without an example' $meta/random.lua 's/^---```lua/---```text/' 'the module has no example'
refuses 'an error code that there is not' $meta/store.lua 's/err `NOT_FOUND`/err `NO_SUCH`/' 'no such error code: NO_SUCH'
refuses 'an error code that is not listed' $meta/errors.lua '/^---| "DNS"/d' 'does not list DNS'
refuses 'another meaning of an error code' $meta/errors.lua 's/^\(---| "DNS" #\).*/\1 something/' 'DNS means'
refuses 'a function of a module that is not annotated' $meta/timer.lua '/^---Returns the time of a clock/,/^function timer.now/d' 'has no annotation for now'
refuses 'the same of a module written in Lua' $meta/task.lua '/^---Runs functions and tasks side by side until/,/^function task.race/d' 'has no annotation for race'
refuses 'a method that is not annotated' $meta/schema.lua '/^---Says whether a value fits/,/^function Schema:is/d' 'has no annotation for is'
refuses 'a method of C that is not annotated' $meta/socket.lua '/^---Sends a ping/,/^function Socket:ping/d' 'the sources have ping'
refuses 'a function that there is not' $meta/random.lua 's/random.uuid/random.guid/' 'guid: there is no such function'
refuses 'a method that there is not' $meta/server.lua 's/^function Server:use(/function Server:uses(/' 'uses: there is no such function'
refuses 'a field that there is not' $meta/script.lua 's/^---@field args/---@field arguments/' 'there is no field arguments'
refuses 'an option that there is not' $meta/socket.lua 's/^---@field jitter?/---@field jiter?/' 'there is no option jiter'
refuses 'the same of a module written in Lua' $meta/http.lua 's/^---@field redirects?/---@field redirect?/' 'there is no option redirect'
refuses 'an option that is not annotated' $meta/socket.lua '/^---@field max_tasks?/d' 'the sources have max_tasks'
refuses 'sources in which nothing is found' runtime/lua/socket.c 's/luaL_Reg/luaL_Entry/' 'socket.c: no functions are found'
refuses 'an option of a new binding' runtime/lua/json.c 's/{"pretty", NULL}/{"pretty", "sorted", NULL}/' 'the sources have sorted'
refuses 'a function of a new binding' runtime/lua/timer.c 's/{"now", f_now}/{"now", f_now}, {"halt", f_halt}/' 'the sources have halt'

# --- what is installed -----------------------------------------------------------------------
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ROOT" -o all BUILD="$BUILD" DESTDIR="$PWD/root" PREFIX=/usr install >out 2>&1
is "make install" "$?" 0
is "all types are installed" "$(diff -r "$ROOT/stdlib/meta" root/usr/share/tidelock/stdlib/meta)" ""
TIDELOCK=$PWD/root/usr/bin/tidelock
mkdir new && cd new && run_to new bot greeter
is "tidelock new" "$status" 0
"$PYTHON" - "$ROOT/stdlib/meta" >found <<'PY'
import json, os, re, sys
folders = json.load(open(".luarc.json"))["workspace.library"]
for name in sorted(os.listdir(sys.argv[1])):
    module = "tidelock." + name[:-4]
    files = [os.path.join(f, n) for f in folders for n in os.listdir(f) if n.endswith(".lua")]
    found = [f for f in files if open(f).readline() == "---@meta %s\n" % module]
    print("%s: %s" % (module, "found" if len(found) == 1 and "/root/usr/" in found[0] else found))
PY
is "its .luarc.json leads to the types of every module" "$(grep -v ': found$' found)" ""
is "and to no other folder" "$(grep -c 'stdlib/meta"\],$' .luarc.json)" 1
is "modules were looked for" "$(($(wc -l <found) > 12))" 1
finish
