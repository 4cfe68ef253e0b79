#!/usr/bin/env bash
# The witnesses against a running service: schemathesis and OpenAI's own client (both PyPI), a scripted provider behind it.
#   serve.sh BINARY [EXAMPLES]        EXAMPLES a route, 50 when not given
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "$1")
examples=${2:-50}
work=$(mktemp -d)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q schemathesis==4.32.5 openai==2.54.0

python3 "$here/upstream.py" > "$work/upstream" &
upstream=$!
trap 'kill $upstream ${service:-} 2>/dev/null || true; rm -rf "$work"' EXIT
until [ -s "$work/upstream" ]; do sleep 0.1; done
base=$(cat "$work/upstream")
settings=()
for provider in OPENAI TOGETHER DEEPSEEK MISTRAL AI21 GROQ XAI; do
  settings+=("${provider}_API_KEY=sk-test" "${provider}_BASE_URL=$base" "${provider}_MODEL=gpt-test")
done
export SERVE_TOKEN=conformance-0123456789
env -i PATH="$PATH" SERVE_TOKEN="$SERVE_TOKEN" "${settings[@]}" \
  "$binary" serve -C "$work" --json --host 127.0.0.1 --port 0 > "$work/at" 2> "$work/log" &
service=$!
until [ -s "$work/at" ]; do kill -0 $service || { cat "$work/log"; exit 1; }; sleep 0.1; done
SERVE_URL=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["url"])' "$work/at")
export SERVE_URL NO_PROXY=127.0.0.1
until curl -sf "$SERVE_URL/readyz" > /dev/null; do sleep 0.1; done

"$work/venv/bin/python" "$here/openai_sdk.py"

# A body of the right shape may still be too large (413), ask whom this server cannot ask (409), or for what no model gives (400, 502).
cat > "$work/schemathesis.toml" <<'TOML'
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "404", "409", "413", "429", "502"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429"]
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "502"]
TOML
# What it remembers of a run goes with the folder.
cd "$work"
"$work/venv/bin/schemathesis" --config-file "$work/schemathesis.toml" run "$SERVE_URL/openapi.json" \
  --header "Authorization: Bearer $SERVE_TOKEN" --max-examples "$examples" --checks all \
  --continue-on-failure --no-color --seed 1
kill -TERM $service
wait $service
# Every line of the log is one JSON document, and the token is in none.
python3 - "$work/log" <<'PY'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert lines and not any("conformance-0123456789" in json.dumps(line) for line in lines)
panics = [line for line in lines if line["level"] == "ERROR"]
assert not panics, panics[:3]
print(f"{len(lines)} lines of log, all JSON, no errors")
PY
echo "both witnesses are content with the service"
