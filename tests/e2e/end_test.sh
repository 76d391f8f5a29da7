#!/usr/bin/env bash
# How signals end the process, in each of its phases.
exec "$PYTHON" tests/e2e/end_cases.py signals
