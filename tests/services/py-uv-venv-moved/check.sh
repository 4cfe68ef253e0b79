#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/healthz" | json 'd == {"status": "ok"}'
curl -fsS "$BASE_URL/level/husum/0.0" | json 'd == {"m": 1.7}'
curl -fsS "$BASE_URL/level/dover/8.71" | json 'd == {"m": -3.0}'
[ "$(code "$BASE_URL/level/oslo/1.0")" = 404 ]
