#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/healthz")" = ok ]
[ "$(curl -fsS "$BASE_URL/sum?cents=199&cents=6")" = 2.05 ]
[ "$(curl -sS -o /dev/null -w '%{http_code}' "$BASE_URL/sum?cents=1.5")" = 400 ]
