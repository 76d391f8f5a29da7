#!/usr/bin/env bash
# Sessions against hostile servers, files, clocks and moments.
exec "$PYTHON" tests/e2e/session_attack_cases.py
