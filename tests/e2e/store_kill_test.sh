#!/usr/bin/env bash
# kill -9 in a loop while stores are written.
exec "$PYTHON" tests/e2e/store_kill_cases.py
