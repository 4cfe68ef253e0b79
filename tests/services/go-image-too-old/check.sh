#!/usr/bin/env bash
set -euo pipefail
curl -fsS "$BASE_URL/healthz"
[ "$(curl -fsS "$BASE_URL/teams?names=d,b,a,c")" = '["a","c"]' ]
