#!/usr/bin/env bash
# The demo where the kernel refuses namespaces: as root without rights, and inside an ordinary container.
#   without-namespaces.sh BINARY
set -euo pipefail
binary=$(realpath "$1")
home=$(mktemp -d); trap 'rm -rf "$home"' EXIT; chmod 777 "$home"

# In a user namespace of its own that allows no further ones, and with all capabilities dropped.
check='
  echo 0 > /proc/sys/user/max_user_namespaces
  exec setpriv --bounding-set -all --inh-caps -all --no-new-privs sh -c "
    if unshare --user true 2>/dev/null || unshare --mount true 2>/dev/null; then echo namespaces are still allowed; exit 1; fi
    exec \"$0\" demo"'
(cd "$home" && env -i PATH="$PATH" HOME="$home" TMPDIR="$home" DOCKER_HOST=unix:///nowhere \
  unshare --user --map-root-user sh -c "$check" "$binary")

# An ordinary container: no engine inside, namespaces refused by its seccomp profile. The image has git and a C library.
docker run --rm -v "$binary:/usr/local/bin/domain-runner:ro" python:3.12 domain-runner demo
