#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/healthz")" = ok ]
curl -fsS "$BASE_URL/" | grep -q 'Ferry times'
[ "$(curl -fsS "$BASE_URL/times.txt" | wc -l)" = 2 ]
