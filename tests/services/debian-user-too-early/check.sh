#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/healthz")" = '{"user": true}' ]
[ "$(curl -fsS -X POST -d 'buy ink' "$BASE_URL/")" = '"buy ink"' ]
[ "$(curl -fsS "$BASE_URL/")" = '["buy ink"]' ]
