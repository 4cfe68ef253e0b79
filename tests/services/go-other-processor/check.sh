#!/usr/bin/env bash
set -euo pipefail
curl -fsS "$BASE_URL/healthz"
[ "$(curl -fsS "$BASE_URL/level/0")" = '{"metres":3.5}' ]
[ "$(curl -fsS "$BASE_URL/level/6.21")" = '{"metres":0.5}' ]
[ "$(curl -sS -o /dev/null -w '%{http_code}' "$BASE_URL/level/x")" = 400 ]
