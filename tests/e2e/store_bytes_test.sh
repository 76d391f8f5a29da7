#!/usr/bin/env bash
# What a change of a kept store writes to the disk.
exec "$PYTHON" tests/e2e/store_bytes_cases.py
