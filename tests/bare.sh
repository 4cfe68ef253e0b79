#!/usr/bin/env bash
# .ci/run on an empty machine: shows what it takes from a machine without installing it. Not run by CI itself.
#   sudo tests/bare.sh FOLDER       a folder to make on a real file system with 20 GB to spare; remove it afterwards
# A folder that is there is entered again with the last commit: quicker, for finding out, but it is bare no more.
# The machine: this host's Debian by debootstrap with nothing but CA certificates, this host's Rust toolchain, and this
# repository's last commit with a copy of ../shared beside it. Namespaces of its own keep its engine and its ports from
# the host's: mounts, processes, names, and a network behind this host's address. The kernel and its cgroups are shared.
set -euo pipefail
NAME=domain-runner-bare
HOST_SIDE=10.231.7.1
BARE_SIDE=10.231.7.2

# ------------------------------------------------------------------------------------------------------- the machine --

make_root() {   # make_root ROOT
    local root=$1 suite mirror
    suite=$(. /etc/os-release; echo "$VERSION_CODENAME")
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | awk -v s="$suite" '$2 == s { print $1; exit }')
    echo "== debootstrap of $suite from $mirror"
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" >"$root.log" || { tail "$root.log"; return 1; }
    # apt and certificates as this host has them.
    rm -f "$root/etc/apt/sources.list"
    cp /etc/apt/sources.list.d/debian.* "$root/etc/apt/sources.list.d/" 2>/dev/null || cp /etc/apt/sources.list "$root/etc/apt/"
    grep -lE '^ *Acquire' /etc/apt/apt.conf.d/* | xargs -r cp -t "$root/etc/apt/apt.conf.d/"
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
    chroot "$root" update-ca-certificates >/dev/null
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    echo bare >"$root/etc/hostname"
    echo "127.0.0.1 localhost bare" >"$root/etc/hosts"
    if [ -f ~/.cargo/config.toml ]; then install -D ~/.cargo/config.toml "$root/root/.cargo/config.toml"; fi
    mkdir -p "$root/opt/rust" "$root/ci" "$root/old"
    chroot "$root" dpkg-query -W -f '${Package}\n' >"$root/ci/packages-before"
    git clone -q --no-local "$here/.." "$root/ci/main"
    cp -rL "$here/../../shared" "$root/ci/shared"
}

connect() {
    ip netns add $NAME
    ip link add name bare-host mtu 1400 type veth peer name eth0 mtu 1400 netns $NAME
    ip address add $HOST_SIDE/30 dev bare-host
    ip link set bare-host up
    ip -n $NAME address add $BARE_SIDE/30 dev eth0
    ip -n $NAME link set lo up
    ip -n $NAME link set eth0 up
    ip -n $NAME route add default via $HOST_SIDE
    echo 1 >/proc/sys/net/ipv4/ip_forward
    nat -I
}

nat() {   # nat -I or nat -D
    iptables "$1" FORWARD -i bare-host -j ACCEPT
    iptables "$1" FORWARD -o bare-host -j ACCEPT
    iptables -t nat "$1" POSTROUTING -s $BARE_SIDE -j MASQUERADE
}

disconnect() {
    nat -D 2>/dev/null || true
    ip netns delete $NAME 2>/dev/null || true
    ip link delete bare-host 2>/dev/null || true
}

# --------------------------------------------------------------------------------------------------------- inside it --

enter() {   # enter ROOT: in new namespaces, as their first process
    local root=$1 sysroot
    sysroot=$(rustc --print sysroot)
    hostname bare
    mount --make-rprivate /
    mount --bind "$root" "$root"
    mount --bind -o ro "$sysroot" "$root/opt/rust"
    mount -t proc proc "$root/proc"
    # /sys/fs/cgroup is left for the engine's script to fill, as on a machine without an init.
    mount -t sysfs sysfs "$root/sys"
    mount -t devtmpfs dev "$root/dev"
    mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
    mount -t tmpfs -o mode=755 run "$root/run"
    cd "$root"
    # Not chroot: no user namespace can be made from inside one, nor can runc change roots there.
    pivot_root . old
    umount -l /old
    cd /ci/main
    local kept=(HOME=/root PATH="/opt/rust/bin:/root/.cargo/bin:$ROOT_PATH" LANG=C.UTF-8 CI=true) name
    for name in SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE PIP_CERT PIP_DEFAULT_TIMEOUT PIP_INDEX_URL NODE_EXTRA_CA_CERTS \
        NPM_CONFIG_REGISTRY GIT_SSL_CAINFO http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [ -z "${!name:-}" ] || kept+=("$name=${!name}")
    done
    local code=0
    env -i "${kept[@]}" bash .ci/run </dev/null || code=$?
    dpkg-query -W -f '${Package}\n' | comm -13 /ci/packages-before - >/ci/packages-added
    # So that the engine takes its containers' cgroups along, which are this host's.
    env -i "${kept[@]}" bash /ci/shared/docker/make-base-images.sh stop || true
    return $code
}

ROOT_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
here=$(cd "$(dirname "$0")" && pwd)
if [ "$1" = --enter ]; then enter "$2"; exit; fi

folder=${1:?usage: tests/bare.sh FOLDER}
if [ -d "$folder/root/ci/shared" ]; then
    git -C "$folder/root/ci/main" pull -q
else
    mkdir "$folder"
    make_root "$(realpath "$folder")/root"
fi
folder=$(realpath "$folder")
trap disconnect EXIT
connect
code=0
ip netns exec $NAME unshare --mount --pid --fork --kill-child --ipc --uts bash "$0" --enter "$folder/root" || code=$?
echo "== packages that .ci/run installed, with what they need: $(xargs <"$folder/root/ci/packages-added")"
echo "== .ci/run on a bare machine ended with exit code $code"
exit $code
