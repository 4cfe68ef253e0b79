#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/healthz")" = ok ]
[ "$(curl -fsS -X POST --data-binary 'a,"b,c",d' -H 'content-type: text/csv' "$BASE_URL/")" = 'd,"b,c",a' ]
