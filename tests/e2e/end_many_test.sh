#!/usr/bin/env bash
# How the process ends when very much is under way, or something cannot be stopped.
exec "$PYTHON" tests/e2e/end_many.py
