#!/usr/bin/env bash
# An outbox over kills, restarts, reloads and full disks: nothing accepted is lost, nothing is made up.
exec "$PYTHON" tests/e2e/outbox_cases.py
