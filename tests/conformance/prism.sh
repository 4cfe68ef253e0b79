#!/bin/sh
# Stoplight's Prism as a validating proxy before a running sandbox: every answer must fit Render's document.
#
# Takes BASE_URL (with /v1), KEY, SERVICE_ID and OWNER_ID from the environment, as render_sdk.py does, and PRISM, the
# command to run (default: npx --yes @stoplight/prism-cli@5.14.2). Exits with 1 if Prism reports a violation.
# It replaces the service's variables, and deploys.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
document=${OPENAPI:-$here/../fixtures/openapi-subset-relaxed.json}
port=${PRISM_PORT:-4040}
proxy=http://127.0.0.1:$port
work=$(mktemp -d)

# Prism's own calls to loopback must not go through a proxy.
env -u HTTP_PROXY -u HTTPS_PROXY -u http_proxy -u https_proxy \
    ${PRISM:-npx --yes @stoplight/prism-cli@5.14.2} proxy -h 127.0.0.1 -p "$port" --errors "$document" "$BASE_URL" \
    >"$work/prism.log" 2>&1 &
prism=$!
trap 'kill $prism 2>/dev/null || true; rm -rf "$work"' EXIT

tries=0
until curl -s --noproxy '*' -o /dev/null "$proxy/users"; do
    tries=$((tries + 1))
    # npx may have to fetch Prism first.
    [ "$tries" -lt 120 ] || { cat "$work/prism.log"; exit 1; }
    sleep 1
done

failed=0

# check METHOD PATH STATUS [BODY]
check() {
    if [ $# -gt 3 ]; then
        set -- "$1" "$2" "$3" -H 'Content-Type: application/json' -d "$4"
    fi
    method=$1 path=$2 wanted=$3
    shift 3
    seen=$(curl -s --noproxy '*' -m 30 -o "$work/body" -w '%{http_code}' -X "$method" \
        -H "Authorization: Bearer $KEY" -H 'Accept: application/json' "$@" "$proxy$path")
    # Prism answers a violation itself, as a problem with a `type` of its own.
    if [ "$seen" != "$wanted" ] || grep -q 'stoplight.io/prism' "$work/body"; then
        echo "NOT $method $path: $seen instead of $wanted"
        cat "$work/body"
        echo
        failed=1
    else
        echo "ok  $method $path $seen"
    fi
}

service=/services/$SERVICE_ID
logs="ownerId=$OWNER_ID&resource=$SERVICE_ID"

check GET "/users" 200
check GET "/owners" 200
check GET "/owners/$OWNER_ID" 200
check GET "/services?limit=5" 200
check GET "$service" 200
check GET "/services/srv-00000000000000000000" 404
check PATCH "$service" 200 '{}'
check PUT "$service/env-vars" 200 '[{"key":"A","value":"b"},{"key":"S","generateValue":true}]'
check GET "$service/env-vars" 200
check PUT "$service/env-vars/B" 200 '{"value":"c"}'
check GET "$service/env-vars/B" 200
check DELETE "$service/env-vars/B" 204
check POST "$service/deploys" 201 '{"clearCache":"do_not_clear"}'
check GET "$service/deploys" 200
deploy=$(sed 's/^\[{"deploy":{"id":"\([^"]*\)".*/\1/' "$work/body")
check GET "$service/deploys/$deploy" 200
check GET "$service/deploys?status=queued&status=live&limit=1" 200
tries=0
while [ "$tries" -lt 60 ]; do
    check GET "$service/deploys/$deploy" 200
    grep -q '"status":"\(live\|build_failed\|update_failed\)"' "$work/body" && break
    tries=$((tries + 1))
    sleep 2
done
check POST "$service/deploys/$deploy/cancel" 400
check GET "$service/instances" 200
check GET "$service/events" 200
event=$(sed 's/^\[{"event":{"id":"\([^"]*\)".*/\1/' "$work/body")
check GET "/events/$event" 200
check GET "/logs?$logs&limit=100" 200
check GET "/logs?$logs&direction=forward&type=build&type=app&limit=3" 200
check GET "/logs/values?$logs&label=type" 200
check POST "$service/rollback" 201 "{\"deployId\":\"$deploy\"}"
check POST "$service/restart" 200

exit $failed
