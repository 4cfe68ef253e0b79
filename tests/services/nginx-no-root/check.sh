#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
[ "$(curl -fsS "$BASE_URL/up")" = up ]
curl -fsS "$BASE_URL/" | grep '10 to 18' >/dev/null
curl -fsSI "$BASE_URL/style.css" | grep -i '^content-type: text/css' >/dev/null
