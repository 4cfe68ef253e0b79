#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/health" | json 'd == {"status": "ok"}'
curl -fsS "$BASE_URL/next?after=09:00" | json 'd == {"at": "12:30"}'
curl -fsS "$BASE_URL/bookings" -H 'content-type: application/json' -d '{"at": "08:00", "name": "kim"}' | json 'd == {"seats": 11}'
[ "$(code "$BASE_URL/bookings" -H 'content-type: application/json' -d '{"at": "08:01"}')" = 422 ]
