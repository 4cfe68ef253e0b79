#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/up")" = up ]
[ "$(curl -fsS "$BASE_URL/roman?n=1994")" = MCMXCIV ]
