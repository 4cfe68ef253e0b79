#!/usr/bin/env bash
# The witnesses against a running sandbox: Render's own SDK (PyPI) and Prism (npm).
#   run.sh BINARY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "$1")
work=$(mktemp -d)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q render==1.5.0
(cd "$work" && npm init -y >/dev/null && npm install --no-fund --no-audit --silent @stoplight/prism-cli@5.14.2)

git init -q -b main "$work/service"
cd "$work/service"
printf 'FROM scratch\n' > Dockerfile
echo '{"log": ["built"], "app": ["started"]}' > fake-build.json
git add -A && git -c user.name=ci -c user.email=ci@example.invalid commit -qm one
"$binary" sandbox --json --push --builder fake --health-path /healthz > "$work/at.json" &
sandbox=$!
trap 'kill -INT $sandbox 2>/dev/null; wait $sandbox 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s "$work/at.json" ] && break; sleep 0.1; done
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/at.json" "$1"; }
export BASE_URL=$(field api_url) KEY=$(field api_key) SERVICE_ID=$(field service_id)
export OWNER_ID=$(curl -sf --noproxy '*' -H "Authorization: Bearer $KEY" "$BASE_URL/services/$SERVICE_ID" | python3 -c 'import json,sys; print(json.load(sys.stdin)["ownerId"])')
"$work/venv/bin/python" "$here/render_sdk.py"
PRISM="$work/node_modules/.bin/prism" sh "$here/prism.sh"
echo "both witnesses are content"
