#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/health" | json 'd == {"status": "ok"}'
curl -fsS "$BASE_URL/odds?dice=2&sum=7" | json 'd == {"odds": 0.1667}'
[ "$(code "$BASE_URL/odds?dice=9&sum=7")" = 422 ]
[ "$(code "$BASE_URL/none")" = 404 ]
