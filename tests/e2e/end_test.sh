#!/usr/bin/env bash
# How the process ends: signals in each of its phases, its status, what is still written.
exec "$PYTHON" tests/e2e/end_cases.py
