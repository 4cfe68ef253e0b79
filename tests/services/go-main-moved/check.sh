#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/up")" = up ]
[ "$(curl -fsS "$BASE_URL/count?text=a+b++c")" = 3 ]
[ "$(curl -fsS "$BASE_URL/count?text=")" = 0 ]
