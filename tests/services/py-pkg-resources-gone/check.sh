#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/healthz" | json 'd == {"files": 0}'
curl -fsS -X PUT --data-binary 'old hat' "$BASE_URL/f/box/hat.txt" | json 'd == {"path": "box/hat.txt"}'
[ "$(curl -fsS "$BASE_URL/f/box/hat.txt")" = "old hat" ]
[ "$(code "$BASE_URL/f/none")" = 404 ]
curl -fsS "$BASE_URL/healthz" | json 'd == {"files": 1}'
