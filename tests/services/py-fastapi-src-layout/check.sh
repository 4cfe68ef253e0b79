#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
curl -fsS "$BASE_URL/health" | json 'd == {"ok": True}'
curl -fsS "$BASE_URL/files" -F 'file=@-;filename=a.txt' -F label=red <<<hello | json 'd == {"name": "a.txt", "size": 6, "label": "red"}'
curl -fsS "$BASE_URL/files/a.txt" | json 'd == {"size": 6}'
[ "$(code "$BASE_URL/files/none")" = 404 ]
