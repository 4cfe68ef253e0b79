#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/healthz" | json 'd == {"status": "ok"}'
curl -fsS "$BASE_URL/graphql" -H 'content-type: application/json' -d '{"query": "{ peaks(above: 2000) { name } }"}' | json 'd == {"data": {"peaks": [{"name": "Watzmann"}]}}'
[ "$(code "$BASE_URL/graphql" -H 'content-type: application/json' -d '{"query": "{ lakes }"}')" = 400 ]
