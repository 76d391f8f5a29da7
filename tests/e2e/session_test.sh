#!/usr/bin/env bash
# Sessions over processes, disks and ends: tokens renewed once, durable before they are used.
exec "$PYTHON" tests/e2e/session_cases.py
