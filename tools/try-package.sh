#!/usr/bin/env bash
# Tries the Debian package on two clean systems: sudo tools/try-package.sh
set -euo pipefail
. "$(dirname "$0")/common.sh"

usage() {
    cat << 'END'
usage: sudo tools/try-package.sh [--suite SUITE] [--keep]

Builds the package in two versions and boots two fresh Debian systems (debootstrap, with
systemd as process 1) in containers whose networks are joined to each other and to nothing
else. Then, as an operator would: install, vpnctl init, start, ping, reload, a reload that
must be refused, a hang that the watchdog must end, upgrade under traffic, remove, install
again, purge; and compares files and users before and after.

  --suite SUITE   the Debian release; default: this machine's
  --keep          leave the package's folder artifacts/package/try as it is at the end

The fresh system is kept in artifacts/package/ and made anew when that is removed.
END
}

suite="$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")"
keep=false
while [ $# -gt 0 ]; do
    case "$1" in
        --suite) suite="${2:?--suite needs a name}"; shift ;;
        --keep) keep=true ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done
require_root
cd "$repository"

for tool in debootstrap systemd-nspawn nsenter ip; do
    command -v "$tool" > /dev/null \
        || fail "'$tool' is missing: apt-get install debootstrap systemd-container util-linux iproute2."
done
work="$repository/artifacts/package"
fresh="$work/fresh-$suite"
try="$work/try"
prefix="vibepn-try-$$"
declare -A leader machine

# --- The fresh system: the mirror is the one this machine's own packages come from.
make_fresh() {
    local mirror
    mirror="$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' | head -n 1)"
    [ -n "$mirror" ] || fail "no Debian mirror is configured on this machine."
    say "debootstrap $suite from its mirror"
    rm -rf --one-file-system "$fresh.new"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,iproute2,iputils-ping "$suite" "$fresh.new" "$mirror" \
        > "$work/debootstrap.log" 2>&1 || fail "debootstrap: $(tail -n 1 "$work/debootstrap.log")"
    [ "$suite" != bookworm ] \
        || echo "deb $mirror bookworm-backports main" > "$fresh.new/etc/apt/sources.list.d/backports.list"
    mv "$fresh.new" "$fresh"
}

# What the package depends on is installed before, so that what it leaves behind can be told from theirs.
add_dependencies() {
    say "its dependencies"
    cp /etc/resolv.conf "$fresh/etc/resolv.conf"
    chroot "$fresh" apt-get -q update > "$work/apt.log" 2>&1
    DEBIAN_FRONTEND=noninteractive chroot "$fresh" apt-get -q -y --no-install-recommends satisfy \
        "$(dpkg-deb -f "$1" Depends)" >> "$work/apt.log" 2>&1 || fail "apt: $(grep -m1 '^E:' "$work/apt.log")"
    chroot "$fresh" apt-get clean
}

# --- Containers.
boot() {
    local name="$1" root="$try/$1" tries=0
    mkdir -p "$root"
    cp -a "$fresh/." "$root/"
    echo "$name" > "$root/etc/hostname"
    : > "$root/etc/machine-id"
    rm -f "$root/etc/resolv.conf"
    ip netns add "$prefix-$name"
    # Its own unit of the manager would need a manager here; a container needs none.
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="${SYSTEMD_NSPAWN_UNIFIED_HIERARCHY:-1}" systemd-nspawn --quiet --register=no --keep-unit \
        --directory="$root" --machine="$prefix-$name" --network-namespace-path="/run/netns/$prefix-$name" \
        --capability=CAP_NET_ADMIN,CAP_BPF --system-call-filter=bpf --bind=/dev/net/tun --console=pipe --boot \
        > "$try/$name.console" 2>&1 < /dev/null &
    machine[$name]=$!
    until is_booted "$name"; do
        kill -0 "${machine[$name]}" 2> /dev/null || fail "the container $name ended: $(tail -n 3 "$try/$name.console")"
        tries=$((tries + 1))
        [ "$tries" -le 300 ] || fail "$name did not boot: $(tail -n 5 "$try/$name.console")"
        sleep 0.2
    done
}

# The container's process 1 is the only child in the end; before, there are others for a moment.
is_booted() {
    local children
    children="$(cat "/proc/${machine[$1]}/task/${machine[$1]}/children" 2> /dev/null)"
    leader[$1]="${children%% *}"
    [ -n "${leader[$1]}" ] && inside "$1" systemctl is-system-running 2> /dev/null | grep -qE 'running|degraded'
}

inside() {
    local name="$1"
    shift
    nsenter --target "${leader[$name]}" --all --wdns=/root \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

on_exit() {
    local status=$? name waited=0
    trap - EXIT INT TERM
    for name in "${!leader[@]}"; do
        if [ "$status" -ne 0 ]; then
            printf -- '--- %s: last lines of the journal\n' "$name" >&2
            inside "$name" journalctl --no-pager -q -n 30 -u vibepn >&2 || true
        fi
        inside "$name" systemctl poweroff --force > /dev/null 2>&1 || true
    done
    for name in "${!machine[@]}"; do
        while kill -0 "${machine[$name]}" 2> /dev/null && [ "$waited" -lt 100 ]; do
            sleep 0.1
            waited=$((waited + 1))
        done
        kill -KILL "${machine[$name]}" 2> /dev/null || true
    done
    wait 2> /dev/null || true
    for name in a b; do
        ip netns del "$prefix-$name" 2> /dev/null || true
    done
    $keep || rm -rf --one-file-system "$try" "$try.packages"
    exit "$status"
}

# --- What is looked at.
wait_for() {
    local what="$1" tries=0
    shift
    until "$@" > /dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -le 200 ] || fail "$what: not within 20 s."
        sleep 0.1
    done
}
main_pid() { inside "$1" systemctl show -P MainPID vibepn; }
starts() { inside "$1" journalctl -q -o cat -u vibepn | grep -c 'vibepnd .* starts as node' || true; }
is_active() { inside "$1" systemctl is-active --quiet vibepn; }
is_joined() { inside "$1" vpnctl peers --json | grep -q '"state": *"up"'; }
show_pings() {
    local answer
    answer="$(inside a ping -q -n -c 50 -i 0.02 -w 10 10.42.0.2)" || fail "b does not answer pings of a: $answer"
    say "ping from a to b over the overlay: $(grep -o '[0-9]* packets transmitted, [0-9]* received' <<< "$answer")"
}
is_replaced() { [ "$(main_pid a)" -ne "$hung" ] && is_active a; }
has_status() { inside a systemctl show -P StatusText vibepn | grep -qF "$1"; }
install_package() { inside "$1" apt-get -q -y install "/root/$(basename "$2")" > "$try/$1.apt" 2>&1 || fail "apt: $(tail -n 5 "$try/$1.apt")"; }

# Names and types of everything on disk, less what any installation of anything changes.
list_files() {
    inside "$1" sh -c 'find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp -o -path /root \
        -o -path /var/log -o -path /var/cache -o -path /var/lib/apt -o -path /var/backups -o -path /var/tmp \) -prune -o -printf "%y %m %u %p\n"' \
        | grep -vE ' /(etc/(passwd|group|shadow|gshadow|subuid|subgid)-|var/lib/(dpkg/.*(-old|lock.*)|systemd/.*))$' | sort
    inside "$1" sh -c 'cut -d: -f1,3,4 /etc/passwd; cut -d: -f1,3 /etc/group' | sort
}

configure() {
    local name="$1" own="$2" peer="$3" address="$4"
    inside "$name" vpnctl init --name "$name" --network corp --prefix 10.42.0.0/24 --address "10.42.0.$own" > /dev/null
    cat >> "$try/$name/etc/vibepn/config.toml" << END

[[peers]]
name = "$peer"
address = "$address:51820"
fingerprint = "@$peer@"
networks = ["corp"]
END
}

check_sandbox() {
    local pid status
    pid="$(main_pid a)"
    status="$(inside a cat "/proc/$pid/status")"
    say "process $pid of the unit"
    grep -E '^(Uid|CapEff|CapPrm|CapBnd|CapAmb|NoNewPrivs|Seccomp):' <<< "$status" | sed 's/^/    /'
    [ "$(awk '/^Uid:/ { print $3 }' <<< "$status")" = "$(inside a id -u vibepn)" ] || fail "the daemon is not user vibepn."
    # CAP_NET_ADMIN is number 12, and the only one.
    [ "$(grep -cE '^Cap(Eff|Prm|Bnd|Amb):[[:space:]]*0000000000001000$' <<< "$status")" -eq 4 ] || fail "the capabilities are others."
    grep -qE '^NoNewPrivs:\s*1$' <<< "$status" || fail "new privileges are possible."
    grep -qE '^Seccomp:\s*2$' <<< "$status" || fail "no system call filter is in force."
    inside a nsenter --target "$pid" --mount sh -c '! touch /etc/vibepn/x 2> /dev/null && ! ls /home/* 2> /dev/null' \
        || fail "the daemon's file system is not read-only."
    inside a journalctl -q -o short-monotonic -b -u vibepn -t systemd -p warning | sed 's/^/    not in force: /'
}

trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$work"
rm -rf --one-file-system "$try"
version="$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)"
first="$try.packages/vibepn_${version}_$(dpkg --print-architecture).deb"
second="${first/_${version}_/_${version}+upgrade_}"
as_owner ./package.sh --fast --output "$try.packages"
as_owner ./package.sh --fast --output "$try.packages" --version "$version+upgrade"
[ -d "$fresh" ] || make_fresh
add_dependencies "$first"

say "two systems ($suite)"
mkdir -p "$try"
boot a
boot b
ip -n "$prefix-a" link add eth0 type veth peer name eth0 netns "$prefix-b"
ip -n "$prefix-a" address add 192.0.2.1/24 dev eth0
ip -n "$prefix-b" address add 192.0.2.2/24 dev eth0
for name in a b; do
    ip -n "$prefix-$name" link set eth0 up
    cp "$first" "$second" "$try/$name/root/"
    list_files "$name" > "$try/$name.before"
done

say "install $(basename "$first")"
for name in a b; do
    install_package "$name" "$first"
    ! is_active "$name" || fail "$name runs without a configuration."
done
configure a 1 b 192.0.2.2
configure b 2 a 192.0.2.1
for name in a b; do
    for peer in a b; do
        print="$(inside "$peer" vpnctl fingerprint | grep -oE '[0-9a-f]{64}')"
        sed -i "s/@$peer@/$print/" "$try/$name/etc/vibepn/config.toml"
    done
    inside "$name" runuser -u vibepn -- vibepnd --check > /dev/null || fail "$name: vibepnd --check finds mistakes."
    inside "$name" systemctl start vibepn || fail "$name: the unit does not start."
done
inside a ls -l /etc/vibepn/config.toml /etc/vibepn/certs/node.key | sed 's/^/    /'
say "start"
wait_for "a and b are joined" is_joined a
check_sandbox
show_pings
wait_for "the status that systemctl shows" has_status '1 of 1 peers up, 1 of 1 networks open.'
inside a systemctl status --no-pager -n 0 vibepn 2> /dev/null | sed 's/^/    /'

say "reload: one that is right, one that is wrong"
inside a systemctl reload vibepn || fail "a reload of an unchanged configuration fails."
cp -p "$try/a/etc/vibepn/config.toml" "$try/config.good"
echo 'nonsense = 1' | inside a sh -c 'cat - /etc/vibepn/config.toml > /root/c && cat /root/c > /etc/vibepn/config.toml'
! inside a systemctl reload vibepn 2> /dev/null || fail "a wrong configuration was taken."
inside a journalctl -q -o cat -n 20 -u vibepn | grep -m1 'nonsense' | sed 's/^/    /'
inside a sh -c 'cat > /etc/vibepn/config.toml' < "$try/config.good"
inside a systemctl reload vibepn
[ "$(starts a)" -eq 1 ] || fail "a reload has restarted the daemon."
show_pings

say "a hang: the watchdog ends it, with its patience shortened to 2 s"
inside a mkdir -p /run/systemd/system/vibepn.service.d
inside a sh -c 'printf "[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n" > /run/systemd/system/vibepn.service.d/try.conf'
inside a systemctl daemon-reload
inside a systemctl restart vibepn
hung="$(main_pid a)"
inside a sh -c "kill -STOP $hung"
wait_for "another process in its place" is_replaced
wait_for "it is joined again" is_joined a
inside a journalctl -q -o cat -u vibepn | grep -i 'watchdog' | head -n 2 | sed 's/^/    /'
inside a rm -r /run/systemd/system/vibepn.service.d
inside a systemctl daemon-reload
inside a systemctl restart vibepn
wait_for "it is joined again" is_joined a

say "upgrade to $(basename "$second") under traffic"
before="$(starts a)"
state="$(inside a sh -c 'cd /var/lib/vibepn && find . -name lock -o -type f -path "*trust*" -print | sort')"
inside a sh -c 'ping -q -n -i 0.02 -w 300 10.42.0.2 > /root/ping.log 2>&1 & echo $! > /root/ping.pid'
inside b sh -c 'ping -q -n -i 0.02 -w 300 10.42.0.1 > /root/ping.log 2>&1 & echo $! > /root/ping.pid'
install_package a "$second"
wait_for "it is joined again" is_joined a
[ "$(($(starts a) - before))" -eq 1 ] || fail "the upgrade has started the daemon $(($(starts a) - before)) times."
[ "$state" = "$(inside a sh -c 'cd /var/lib/vibepn && find . -name lock -o -type f -path "*trust*" -print | sort')" ] || fail "state is lost."
cmp -s "$try/config.good" "$try/a/etc/vibepn/config.toml" || fail "the configuration has changed."
for name in a b; do
    inside "$name" sh -c 'kill -INT $(cat /root/ping.pid) 2> /dev/null || true'
    sleep 0.2
    say "pings from $name meanwhile: $(grep -o '[0-9]* packets transmitted, [0-9]* received' "$try/$name/root/ping.log")"
done
show_pings

say "remove, and install again"
inside a apt-get -q -y remove vibepn > "$try/a.apt" 2>&1 || fail "apt: $(tail -n 3 "$try/a.apt")"
! inside a ip link show vpn-corp > /dev/null 2>&1 || fail "the interface is still there."
inside a test -f /etc/vibepn/certs/node.key -a -d /var/lib/vibepn -a -f /etc/vibepn/plugins.toml || fail "configuration or state is gone."
inside a test ! -e /usr/lib/vibepn || fail "programs are still there."
install_package a "$second"
is_active a || inside a systemctl start vibepn
wait_for "it is joined again" is_joined a
show_pings

say "purge"
inside a apt-get -q -y purge vibepn > "$try/a.apt" 2>&1 || fail "apt: $(tail -n 3 "$try/a.apt")"
list_files a > "$try/a.after"
if ! diff "$try/a.before" "$try/a.after" > "$try/a.difference"; then
    cat "$try/a.difference" >&2
    fail "files or users differ from before the installation."
fi
say "$(wc -l < "$try/a.after") files and users, the same as before"
say "the package installs, starts under the unit's sandbox, carries traffic, upgrades and purges cleanly"
