#!/bin/sh
# Fails where docs/architecture.md names a file, function or type that the tree does not have, for a
# line of a page with more than 100 columns, and for a link to a page that is not there.
# At the root of any tree, built or not.
PYTHONDONTWRITEBYTECODE=1 exec "${PYTHON:-python3}" "$(dirname "$0")/docs.py" "$@"
