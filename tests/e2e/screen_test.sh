#!/usr/bin/env bash
# The log of a program that draws on the terminal, and what a save says there.
exec "$PYTHON" tests/e2e/screen_cases.py
