#!/bin/sh
# Runs in a row with random faults; see soak.py. Usage: tests/soak.sh [N] [SEED], BINARY=target/debug/domain-runner
set -eu
cd "$(dirname "$0")/.."
exec python3 tests/soak.py --binary "${BINARY:-target/debug/domain-runner}" "${1:-500}" "${2:-1}"
