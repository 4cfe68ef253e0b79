#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/healthz" | json 'd == {"days": 2}'
curl -fsS "$BASE_URL/on/2025-09-01" | json 'd == {"dishes": ["soup", "bread"]}'
[ "$(code "$BASE_URL/on/2025-09-03")" = 404 ]
