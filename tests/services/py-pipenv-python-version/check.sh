#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
[ "$(curl -fsS "$BASE_URL/ping")" = pong ]
curl -fsS "$BASE_URL/lines" -H 'content-type: application/json' -d '{"cents": 250}' | json 'd == {"balance": 250}'
curl -fsS "$BASE_URL/lines" -H 'content-type: application/json' -d '{"cents": -50}' | json 'd == {"balance": 200}'
[ "$(code "$BASE_URL/lines" -H 'content-type: application/json' -d '{}')" = 422 ]
