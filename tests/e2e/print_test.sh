#!/usr/bin/env bash
# What scripts print, when nobody reads it: pipes, terminals that are stopped, the end.
exec "$PYTHON" tests/e2e/print_cases.py
