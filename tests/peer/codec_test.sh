#!/usr/bin/env bash
# The codecs beside npm's, with random packets. COUNT is how many of each kind, SEED repeats a
# run.
set -u
cd "$(dirname "$0")" || exit 1
CODEC=$BUILD/tests/codec exec node codec_compare.js --count="${COUNT:-400}" ${SEED:+--seed="$SEED"}
