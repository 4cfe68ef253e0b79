#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/health" | json 'd == {"status": "ok"}'
curl -fsS "$BASE_URL/parcels" -H 'content-type: text/plain; charset=latin-1' --data-binary 'abc' | json 'd == {"kind": "text/plain", "charset": "latin-1", "length": 3}'
printf 'a\377b' | curl -fsS "$BASE_URL/parcels" -H 'content-type: text/plain' --data-binary @- | json 'd["length"] == 4 and d["charset"] == "none"'
