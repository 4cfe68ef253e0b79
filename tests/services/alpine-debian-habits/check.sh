#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/healthz")" = lots ]
[ "$(curl -fsS "$BASE_URL/?q=lamp")" = '{"sale":"spring","found":["brass lamp"]}' ]
