#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/health" | json 'd == {"status": "ok"}'
curl -fsS "$BASE_URL/ripe/beans" | json 'd == {"days": 14}'
curl -fsS "$BASE_URL/ripe/leek" | json 'd == {"days": 140}'
[ "$(code "$BASE_URL/ripe/none")" = 404 ]
