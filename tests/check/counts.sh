#!/bin/sh
# How the house stands, in figures: prints them, judges nothing. --list: what is behind each.
# At the root of any tree, built or not.
PYTHONDONTWRITEBYTECODE=1 exec "${PYTHON:-python3}" "$(dirname "$0")/counts.py" "$@"
