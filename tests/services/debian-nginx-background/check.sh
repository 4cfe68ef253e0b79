#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/healthz")" = open ]
curl -fsS "$BASE_URL/" | grep -q 'Quay opening hours'
[ "$(curl -fsS "$BASE_URL/hours.json")" = '{"mon":"7-19","sun":null}' ]
[ "$(curl -sS -o /dev/null -w '%{http_code}' "$BASE_URL/nothing")" = 404 ]
