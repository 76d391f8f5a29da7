#!/usr/bin/env bash
# many_test.sh over TLS, of fewer: MANY=5000 is what is promised.
set -eu
cd "$(dirname "$0")"
MANY_TLS=1 MANY=${MANY:-200} exec ./many_test.sh
