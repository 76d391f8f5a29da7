#!/usr/bin/env bash
# Event streams from hostile servers.
exec "$PYTHON" tests/e2e/events_attack_cases.py
