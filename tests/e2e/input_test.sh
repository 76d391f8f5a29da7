#!/usr/bin/env bash
# Standard input, as scripts get it from pipes, terminals and files.
exec "$PYTHON" tests/e2e/input_cases.py
