#!/usr/bin/env bash
# What a server says of clients that it closes and messages that it drops.
exec "$PYTHON" tests/e2e/server_losses_cases.py
