#!/bin/bash
# The sale is named after the season unless somebody says otherwise.
set -euo pipefail
export SALE="${SALE:-spring}"
exec node server.js
