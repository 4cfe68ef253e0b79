#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/ready")" = ready ]
[ "$(curl -fsS "$BASE_URL/?v=10&from=ft&to=m")" = 3.048 ]
[ "$(curl -sS -o /dev/null -w '%{http_code}' "$BASE_URL/?v=1&from=ell&to=m")" = 400 ]
