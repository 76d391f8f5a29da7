#!/usr/bin/env bash
# fresh.sh [COMMAND]
# Runs `make test`, or that shell command, inside a fresh minimal Debian 12, in a temporary folder, where nothing but
# make was installed by hand: what the tests use and tests/setup.sh does not install is found
# so. Needs root and debootstrap, which is installed where it is missing. Where such a folder
# cannot be made, this says so loudly and the tests run outside.
#
# All mounts are made in mount namespaces that end with their processes: outside them nothing is
# ever mounted in the folder, so that removing it cannot reach the host's files. The tests run
# without a network, with loopback alone. Package files are kept in FRESH_CACHE for the next run.
set -u
goal=${1:-make test}
cd "$(dirname "$0")/.." || exit 1
suite=bookworm
cache=${FRESH_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tidelock-fresh}
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
unset MAKEFLAGS MAKELEVEL MFLAGS

say() { printf 'fresh: %s\n' "$*" >&2; }

outside() { # WHY
  printf '%s\n' '' '############################################################' \
    "# NOT TESTED ON A FRESH MACHINE: $1" \
    '# make test runs on this machine instead, with what is installed here.' \
    '############################################################' '' >&2
  clean_up
  exec sh -c "$goal"
}

clean_up() {
  trap - EXIT
  [ -z "${box:-}" ] || rm -rf --one-file-system "$box"
}

# Runs a command with mounts and processes of its own, which end with it.
apart() { unshare --mount --pid --fork --kill-child "$@"; }

# --- what the host gives -----------------------------------------------------------------
packages() { apt-get "$@" -q -o DPkg::Lock::Timeout=120 >"$box/log" 2>&1 || { tail -n 5 "$box/log" >&2 && false; }; }
debootstrap_found() {
  PATH=$PATH:/usr/sbin:/sbin
  command -v debootstrap >/dev/null && return
  command -v apt-get >/dev/null || return
  say 'installing debootstrap'
  packages update
  packages install -y --no-install-recommends debootstrap debian-archive-keyring &&
    command -v debootstrap >/dev/null
}

# The host's sources for Debian itself, in lines of a sources.list; fails where it has none.
sources() {
  local found
  found=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
    awk -v suite="$suite" '$2 ~ "^" suite "(-updates|-security)?$" && $3 == "main" && $4 == "Debian" {
      print "deb " $1 " " $2 " main" }' | sort -u)
  grep " $suite main" <<<"$found" >/dev/null && echo "$found"
}
# A machine whose lists are empty knows its sources, not that they are Debian's.
sources_found() { sources >/dev/null || { packages update && sources >/dev/null; }; }
mirror() { awk -v suite="$suite" '$3 == suite { print $2; exit }' <<<"$(sources)"; }

# Proxies and the like that apt was told of.
apt_settings() { apt-config dump | grep -E '^Acquire::(https?|Retries|Force)[^ ]* "[^"]'; }

# What a folder needs to reach the registries that the host reaches.
lend() {
  local registry
  sources >"$root/etc/apt/sources.list"
  apt_settings >"$root/etc/apt/apt.conf.d/90host"
  cp -r /etc/apt/keyrings /etc/apt/trusted.gpg.d "$root/etc/apt/" 2>/dev/null
  cp -rn /usr/share/keyrings "$root/usr/share/" 2>/dev/null
  cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null
  printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n' >"$root/etc/hosts"
  cp -L "${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" "$root/usr/local/share/host.crt" 2>/dev/null
  registry=$(npm config get registry 2>/dev/null </dev/null)
  case $registry in http*) echo "registry=$registry" >"$root/root/.npmrc" ;; esac
}

# --- package files, kept for the next run ---------------------------------------------------
# keep FROM TO: copies the packages that TO has not got; each is there whole, or not at all.
keep() {
  local file name
  mkdir -p "$2" 2>/dev/null || return 0
  for file in "$1"/*.deb; do
    name=${file##*/}
    [ ! -f "$file" ] || [ -f "$2/$name" ] || { cp "$file" "$2/.$name.$$" && mv "$2/.$name.$$" "$2/$name"; }
  done
}

# --- the folder -------------------------------------------------------------------------------
bootstrap() {
  local kept=()
  mkdir -p "$cache/base" 2>/dev/null && kept=(--cache-dir="$cache/base")
  apart debootstrap --variant=minbase "${kept[@]}" $suite "$root" "$(mirror)" >"$box/log" 2>&1 </dev/null ||
    { tail -n 10 "$box/log" >&2 && false; }
}

# The sources, as they stand here, without what was built.
copy_sources() {
  mkdir -p "$root/src"
  if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files -z -co --exclude-standard | while IFS= read -r -d '' file; do
      [ ! -e "$file" ] || printf '%s\0' "$file"
    done | tar -c --null -T - -f -
  else
    tar -c --exclude='./build*' --exclude=node_modules --exclude=./.git -f - .
  fi | tar -x -C "$root/src" -f -
}

# inside COMMAND: a shell command in the folder, in its /src, with a clean environment. The shell
# is process 1 there and stays, so that orphans are reaped. The folder is a mount, as a machine's
# root is: else nobody in it may have a mount namespace.
inside() {
  apart "${net[@]}" sh -c '
    [ -z "$3" ] || ip link set lo up
    mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 99
    exec chroot "$1" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      HOME=/root CI=true TERM=dumb DEBIAN_FRONTEND=noninteractive NODE_EXTRA_CA_CERTS=/usr/local/share/host.crt \
      ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
      /bin/sh -c "cd /src && $2; exit \$?"' - "$root" "$1" "${net[*]}" </dev/null
}

# Can the tests be alone with loopback? It takes a namespace, and `ip` to bring loopback up.
alone() { command -v ip >/dev/null && unshare --net ip link set lo up 2>/dev/null; }

# --- what is done -------------------------------------------------------------------------------
trap clean_up EXIT
trap 'exit 130' INT TERM
box=$(mktemp -d "${TMPDIR:-/tmp}/tidelock-fresh.XXXXXX") || exit 1
root=$box/root net=()
[ "$(uname -s)" = Linux ] || outside 'this is no Linux'
[ "$(id -u)" = 0 ] || outside 'debootstrap needs root'
apart mount -t tmpfs none "$box" 2>/dev/null || outside 'no mount namespace may be made here'
sources_found || outside "the host's apt knows no sources of Debian $suite"
debootstrap_found || outside 'debootstrap is not installed and could not be'
say "making a minimal Debian ($suite)"
bootstrap || outside 'debootstrap failed'
lend
copy_sources || exit 1
keep "$cache/packages" "$root/var/cache/apt/archives"
inside 'apt-get update -q && apt-get install -y -q --no-install-recommends make' >"$box/log" 2>&1 || {
  tail -n 5 "$box/log" >&2
  outside 'the fresh Debian reaches no packages'
}
say "setting up: make deps, with what the fresh machine has"
inside 'make deps'
rc=$?
keep "$root/var/cache/apt/archives" "$cache/packages"
[ $rc = 0 ] || exit $rc
if alone; then net=(--net); else say 'no network namespace here: the tests see the network'; fi
inside "$goal"
