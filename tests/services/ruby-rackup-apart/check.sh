#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/healthz")" = ok ]
[ "$(curl -fsS "$BASE_URL/echo?abc")" = cba ]
