#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/health" | json 'd == {"status": "ok"}'
curl -fsS "$BASE_URL/monthly?cents=120000&months=12&percent=0" | json 'd == {"cents": 10000}'
curl -fsS "$BASE_URL/monthly?cents=120000&months=12" | json 'd == {"cents": 10218}'
[ "$(code "$BASE_URL/monthly?cents=0&months=12")" = 400 ]
[ "$(code "$BASE_URL/monthly?cents=5&months=0")" = 422 ]
