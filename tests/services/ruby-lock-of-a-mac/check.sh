#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/healthz")" = ok ]
curl -fsS -X POST --data-binary '# Hi' -H 'content-type: text/plain' "$BASE_URL/" | grep -q '<h1 id="hi">Hi</h1>'
