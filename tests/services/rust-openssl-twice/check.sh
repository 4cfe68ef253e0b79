#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/healthz")" = ok ]
[ "$(curl -fsS "$BASE_URL/abc" | wc -c)" = 8 ]
[ "$(curl -fsS "$BASE_URL/abc")" != "$(curl -fsS "$BASE_URL/abd")" ]
