#!/usr/bin/env bash
# The demo on a disk that is full, and is not any more: one line each, and the chat goes on. A disk
# of our own needs a mount namespace: where there is none, this is skipped.
if [ -z "${IN_NAMESPACE:-}" ]; then
  disk=$TMPDIR/disk && mkdir -p "$disk" && export disk
  for how in "unshare -m" "unshare -Urm"; do
    $how sh -c 'mount -t tmpfs -o size=64k none "$disk"' 2>/dev/null || continue
    IN_NAMESPACE=yes exec $how "$0"
  done
  echo 'not ok the demo on a full disk # SKIP no mount namespace' && exit 0
fi
. "$(dirname "$0")/helpers.bash"
mount -t tmpfs -o size=64k none "$disk" || exit 1
mkfifo "$TMPDIR/in"
"$TIDELOCK" demo --plain --data "$disk" <"$TMPDIR/in" >"$TMPDIR/out" 2>"$TMPDIR/err" &
client=$!
trap 'kill $client 2>/dev/null' EXIT
exec 3>"$TMPDIR/in"
shows() { seen=$(cut -c1-120 "$TMPDIR/out") && has "$1"; }

until_true shows '* connected'
for i in 1 2 3 4 5; do
  echo "bye $i $(head -c 5700 /dev/urandom | base64 -w 0)" >&3
done
check 'a full disk is told' until_true shows '! what is new cannot be kept on the disk'
check 'the chat goes on' until_true shows 'Demo: bye 5'
mount -o remount,size=8m "$disk"
check 'a disk that takes it again is told' until_true shows '* it is kept again'
exec 3>&-
wait $client
rc=$?
shows ''
check 'each once, whatever of it has failed' eval 'once "cannot be kept" && once "is kept again"'
check 'it ends well' [ $rc = 0 ]
seen=$("$TIDELOCK" demo --plain --data "$disk" </dev/null 2>&1 | cut -c1-120)
check 'what was said meanwhile is there at the next start' in_order 'from the last time' 'Demo: bye 5'
umount -l "$disk"
[ $bad = 0 ]
