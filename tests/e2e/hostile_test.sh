#!/usr/bin/env bash
# A script that calls every function and every method with hostile values, in every state of a
# script (hostile_script.lua): the process neither crashes nor stands still, its end takes the
# time that it may take, and no message speaks of the inside. SEED=N plays another order, STEPS=N
# goes further (some 2,000 a second), LIMIT=S gives it the time.
. "$ROOT/tests/e2e/run.bash"
trap 'kill -KILL "$pid" 2>/dev/null' EXIT
meta=$ROOT/stdlib/meta
export MODULES="env errors http input json log random schema script server socket store task timer"
# Whatever would end the script or slow it down for good is left out.
FUNCTIONS=$(grep -hoE '^function [a-z_]+\.[a-z_]+' "$meta"/*.lua | sed 's/function //' |
  grep -vxE 'script\.(exit|cpu_limit|reload)|test\..*' | tr '\n' ' ')
METHODS=$(grep -hoE '^function [A-Za-z_.]+:[a-z_]+' "$meta"/*.lua | sed 's/.*://' | sort -u | tr '\n' ' ')
FIELDS=$(grep -hoE '@field [a-z_]+' "$meta"/*.lua | sed 's/.* //' | sort -u | tr '\n' ' ')
SEED=${SEED:-1} STEPS=${STEPS:-4000} LIMIT=${LIMIT:-200}
PORT=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
URL=http://127.0.0.1:$PORT
export FUNCTIONS METHODS FIELDS SEED STEPS LIMIT PORT URL
cp "$ROOT/tests/e2e/hostile_script.lua" hostile.lua
echo "# seed $SEED"
timeout -k 1 $((LIMIT + 60)) "$TIDELOCK" run --data "$PWD/data" --turn-limit 0.2 --log-file log \
  warden="$ROOT/tests/e2e/hostile_warden.lua" hostile=hostile.lua >out 2>err </dev/null
status=$?
mark=1
grep -a 'longest wait' out
is "the process goes on, and ends as it is asked to (seed $SEED)" $status 0
is "all steps are taken" "$(grep -ac 'done$' out)" 1
is "nobody else is held up for long" "$(awk '/longest wait/ { for (i = 1; i < NF; i++) if ($i == "wait") print $(i + 1) < 5 }' out)" 1
for words in "INTERNAL:" "runtime error:" "AddressSanitizer" "Assertion"; do
  is "no message speaks of $words" "$(cat log err | grep -aF -m1 "$words")" ""
done
[ $failures = 0 ] || tail -c 3000 err
finish
