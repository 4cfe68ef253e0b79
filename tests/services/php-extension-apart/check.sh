#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/healthz")" = 'BLUMENSTRASSE ÖL' ]
[ "$(curl -fsS "$BASE_URL/label?name=%C3%A4%C3%B6%C3%BC")" = 'äöü' ]
[ "$(curl -fsS "$BASE_URL/label?name=Rosenquarzkette")" = 'Rosenquarzke…' ]
