#!/usr/bin/env bash
set -euo pipefail
json() { python3 -c "import json,sys; d=json.load(sys.stdin); assert $1, d"; }
code() { curl -sS -o /dev/null -w "%{http_code}" "$@"; }
[ "$(curl -fsS "$BASE_URL/health")" = ok ]
curl -fsS "$BASE_URL/" | grep '<a href="/posts/monday">' >/dev/null
curl -fsS "$BASE_URL/posts/tuesday" | grep 'No wind at all' >/dev/null
[ "$(code "$BASE_URL/none")" = 404 ]
