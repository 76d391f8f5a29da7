#!/bin/sh
# Fails for an arrow between files of runtime/ that runs up, or closes a circle; --list shows all.
# At the root of any tree, built or not.
PYTHONDONTWRITEBYTECODE=1 exec "${PYTHON:-python3}" "$(dirname "$0")/layers.py" "$@"
