#!/usr/bin/env bash
# How the process ends else: its time, its status, what is still written; the log's file.
exec "$PYTHON" tests/e2e/end_cases.py rest
