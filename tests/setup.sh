#!/bin/sh
# Looks for what the build or the tests need, installs what is missing with the system's
# package manager, and writes the answer down, so that it is asked only once:
#   setup.sh build FILE    libraries; FILE becomes a piece of Makefile with their flags
#   setup.sh test FILE     what the tests and checks need besides; FILE becomes a stamp
# It says what it does. Where it may not install, it prints the command and fails.
set -eu
what=$1 out=$2
missing='' # package names, in the words of the package manager found

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
  say "$@"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

find_manager() {
  for manager in apt-get dnf brew; do have $manager && return; done
  manager=none
}

# need APT DNF BREW: the package is missing, by the name each manager has for it; - is none
need() {
  case $manager in
  apt-get) package=$1 ;;
  dnf) package=$2 ;;
  *) package=$3 ;;
  esac
  [ "$package" = - ] || missing="$missing $package"
}

# --- what is there ---------------------------------------------------------------------
# Lua has as many pkg-config names as there are distributions.
lua_name() {
  for name in lua5.4 lua-5.4 lua54 lua; do
    pkg-config --exists "$name >= 5.4" 2>/dev/null && echo $name && return
  done
  return 1
}

pc() { pkg-config --exists "$1" 2>/dev/null; }

look_for_libraries() {
  compiler=${CC:-cc} # may have words behind it, or a cache before it
  have "${compiler##* }" || have "${compiler%% *}" || need gcc gcc gcc
  have pkg-config || need pkg-config pkgconf-pkg-config pkgconf
  lua_name >/dev/null || need liblua5.4-dev lua-devel lua
  pc libcurl || need libcurl4-openssl-dev libcurl-devel curl
  pc libuv || need libuv1-dev libuv-devel libuv
  pc libcjson || need libcjson-dev cjson-devel cjson
  pc libcrypto || need libssl-dev openssl-devel openssl
  pc zlib || need zlib1g-dev zlib-devel zlib
  pc sqlite3 || need libsqlite3-dev sqlite-devel sqlite
  pc ncursesw || need libncurses-dev ncurses-devel ncurses
  pc libwebsockets || need libwebsockets-dev libwebsockets-devel libwebsockets
  [ -f /usr/share/zoneinfo/Europe/Berlin ] || need tzdata tzdata -
  # Debian alone has libwebsockets' libuv part in a package of its own.
  if [ $manager = apt-get ] && ! installed libwebsockets-evlib-uv; then
    missing="$missing libwebsockets-evlib-uv"
  fi
}

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

node_ok() { have node && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 14 ]; }
python() { if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else echo python3; fi; }
imports() { "$(python)" -c "import $1" </dev/null 2>/dev/null; }

# What the tests call: the command, and its package for apt-get, dnf and brew; - is none.
commands='
awk mawk gawk gawk
clang-format clang-format clang-tools-extra clang-format
cmp diffutils diffutils diffutils
find findutils findutils findutils
git git git git
grep grep grep grep
ldd libc-bin glibc-common -
luacheck lua-check luacheck luacheck
mount mount util-linux -
npm npm npm node
objdump binutils binutils binutils
openssl openssl openssl openssl
ps procps procps-ng -
sed sed sed gnu-sed
timeout coreutils coreutils coreutils
tmux tmux tmux tmux
unshare util-linux util-linux -
valgrind valgrind valgrind -
vim vim vim-enhanced vim'

# What the tests import, or what a module that they import needs for what they do with it
# (python-socketio's client needs requests for polling, websocket for WebSocket).
modules='
sqlite3 libpython3-stdlib python3-libs python
zoneinfo libpython3-stdlib python3-libs python
socketio python3-socketio python3-socketio python-socketio
aiohttp python3-aiohttp python3-aiohttp python-aiohttp
requests python3-requests python3-requests python-requests
websocket python3-websocket python3-websocket-client websocket-client'

# look_for TEST: for each "NAME APT DNF BREW" line of standard input for which TEST NAME fails
look_for() {
  while read -r name apt dnf brew; do
    [ -z "$name" ] || "$1" "$name" || need "$apt" "$dnf" "$brew"
  done
}

look_for_test_tools() {
  pc cmocka || need libcmocka-dev libcmocka-devel cmocka
  node_ok || need nodejs nodejs node
  look_for have <<EOF
$commands
EOF
  look_for imports <<EOF
$modules
EOF
  ! have localedef || [ -f /usr/share/i18n/locales/de_DE ] || need locales glibc-locale-source -
}

check_test_tools() {
  missing=''
  look_for_test_tools
  [ -z "$missing" ] || die "still not found, though it was installed:$missing"
}

# --- installing ------------------------------------------------------------------------
install_command() {
  case $manager in
  apt-get) echo apt-get install -y --no-install-recommends $missing ;;
  dnf) echo dnf install -y $missing ;;
  brew) echo brew install $missing ;;
  esac
}

# Root needs no sudo; without a terminal sudo must not ask; brew wants no root at all.
as_root() {
  if [ "$(id -u)" = 0 ] || [ $manager = brew ]; then
    "$@"
  elif ! have sudo; then
    return 1
  elif (: </dev/tty) 2>/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

may_install() {
  case $manager in
  none) return 1 ;;
  brew) return 0 ;;
  *) [ "$(id -u)" = 0 ] || have sudo ;;
  esac
}

by_hand() {
  sudo=sudo
  if [ "$(id -u)" = 0 ] || [ $manager = brew ]; then sudo=; fi
  if [ $manager = none ]; then
    die "no apt-get, dnf or brew here; please install:$missing"
  fi
  say "could not install what is missing. Please run this, then make again:"
  [ $manager != apt-get ] || say "  $sudo apt-get update"
  die "  $sudo $(install_command)"
}

install_missing() {
  [ -n "$missing" ] || return 0
  say "missing:$missing"
  may_install || by_hand
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if ! known; then refresh >"$log" 2>&1 || show_and_stop; fi
  say "running: $(install_command)"
  as_root $(install_command) >"$log" 2>&1 || {
    refresh >>"$log" 2>&1 && as_root $(install_command) >>"$log" 2>&1
  } || show_and_stop
  rm -f "$log"
}

show_and_stop() {
  tail -n 15 "$log" >&2
  rm -f "$log"
  by_hand
}

# Does apt know every package? On a new machine its lists are empty.
known() {
  [ $manager = apt-get ] || return 0
  for package in $missing; do
    apt-cache show "$package" >/dev/null 2>&1 || return 1
  done
}

refresh() {
  [ $manager = apt-get ] || return 1
  say "running: apt-get update"
  as_root apt-get update
}

# --- writing it down -------------------------------------------------------------------
write_flags() {
  lua=$(lua_name) || die "Lua 5.4 is still not found by pkg-config"
  libs="$lua libcurl libcrypto libuv libcjson zlib sqlite3 ncursesw"
  # Folders alone: ncursesw's -D_XOPEN_SOURCE is no business of the rest.
  cflags=$(pkg-config --cflags-only-I $libs) || die "pkg-config does not find all of: $libs"
  server=$(pkg-config --cflags-only-I libwebsockets) || die "pkg-config does not find libwebsockets"
  {
    echo "# Written by tests/setup.sh; remove it to look again."
    echo "DEP_CFLAGS = $cflags"
    echo "DEP_LIBS = $(pkg-config --libs $libs)"
    echo "SERVER_CFLAGS = $server"
    echo "SERVER_LIBS = $(pkg-config --libs libwebsockets)"
  } >"$out.new"
  mv "$out.new" "$out"
}

npm_modules() {
  [ -f tests/peer/package-lock.json ] || return 0
  cd tests/peer
  [ -f node_modules/.package-lock.json ] &&
    [ ! package-lock.json -nt node_modules/.package-lock.json ] && return 0
  say "running: npm ci, in tests/peer"
  npm ci --no-audit --no-fund --loglevel=error >&2 </dev/null ||
    die "could not get the npm packages. Please run this, then make again:
  cd tests/peer && npm ci"
}

# A locale whose decimal point is a comma, for the tests of numbers.
make_locale() {
  [ -f /usr/share/i18n/locales/de_DE ] || return 0
  dir=$(dirname "$out")/locale
  mkdir -p "$dir"
  localedef -c --no-archive -i de_DE -f UTF-8 "$dir/de_DE.UTF-8" ||
    die "could not make the locale de_DE.UTF-8 in $dir"
}

find_manager
case $what in
build)
  look_for_libraries
  install_missing
  write_flags
  ;;
test)
  look_for_test_tools
  install_missing
  check_test_tools
  make_locale
  (npm_modules)
  : >"$out"
  ;;
*) die "usage: setup.sh build|test FILE" ;;
esac
