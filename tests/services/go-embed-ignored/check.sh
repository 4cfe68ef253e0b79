#!/usr/bin/env bash
set -euo pipefail
[ "$(curl -fsS "$BASE_URL/health")" = fine ]
page=$(curl -fsS "$BASE_URL/")
for word in spring:.rhubarb summer:.currants autumn:.quinces winter:.kale; do grep -q "<li>$word</li>" <<<"$page"; done
