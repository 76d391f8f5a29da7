#!/usr/bin/env bash
exec "$PYTHON" "$(dirname "$0")/store_kill_cases.py"
