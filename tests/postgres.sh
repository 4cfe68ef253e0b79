#!/usr/bin/env bash
# A PostgreSQL of its own for tests, on a free port of loopback; gone when the command that follows has ended.
#   postgres.sh COMMAND…        runs it with TEST_POSTGRES_URL set
set -euo pipefail
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
[ -n "$bin" ] || { echo "no PostgreSQL here: apt-get install postgresql" >&2; exit 1; }
work=$(mktemp -d)
# It does not start as root.
as=(); if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid postgres --regid postgres --init-groups); chown postgres "$work"; fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
trap '"${as[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
(cd "$work"
  "${as[@]}" "$bin/initdb" -D "$work/data" -U tester --auth trust --no-sync >/dev/null
  "${as[@]}" "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" -o "-p $port -h 127.0.0.1 -k $work" start >/dev/null \
    || { cat "$work/log" >&2; exit 1; })
TEST_POSTGRES_URL="postgresql://tester@127.0.0.1:$port/postgres" "$@"
