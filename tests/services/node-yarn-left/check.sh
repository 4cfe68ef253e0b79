#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/health" | json 'd == {"laps": 0}'
curl -fsS "$BASE_URL/laps" -H 'content-type: application/json' -d '{"seconds": 61.5}' | json 'd == {"best": 61.5}'
curl -fsS "$BASE_URL/laps" -H 'content-type: application/json' -d '{"seconds": 60}' | json 'd == {"best": 60}'
[ "$(code "$BASE_URL/laps" -H 'content-type: application/json' -d '{}')" = 422 ]
