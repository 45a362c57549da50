#!/usr/bin/env bash
# Three nodes, two networks, IPv4 and IPv6, on this machine and nowhere else.
set -euo pipefail
. "$(dirname "$0")/tools/common.sh"

usage() {
    cat << 'END'
usage: sudo ./demo.sh [--keep | --stop]

Installs what is missing, builds, and runs three daemons in three network namespaces that
are joined by a bridge in a fourth. Shows pings between all pairs on both networks in IPv4
and IPv6, an iperf3 run and what vpnctl says, then removes everything it made.

  --keep   leave the three nodes running and print how to enter each
  --stop   end and remove what --keep left
END
}

keep=false
case "${1:-}" in
    '') ;;
    --keep) keep=true ;;
    --stop) stop_only=true ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
require_root

# Everything the demo makes is a folder under /run and the namespaces listed in it.
remove_demo() {
    local folder="$1" namespace pid waited=0
    if [ -f "$folder/namespaces" ]; then
        while read -r namespace; do
            for pid in $(ip netns pids "$namespace" 2> /dev/null); do
                kill -TERM "$pid" 2> /dev/null || true
            done
        done < "$folder/namespaces"
        while read -r namespace; do
            while [ -n "$(ip netns pids "$namespace" 2> /dev/null)" ] && [ "$waited" -lt 80 ]; do
                sleep 0.1
                waited=$((waited + 1))
            done
            for pid in $(ip netns pids "$namespace" 2> /dev/null); do
                kill -KILL "$pid" 2> /dev/null || true
            done
            ip netns del "$namespace" 2> /dev/null || true
        done < "$folder/namespaces"
    fi
    rm -rf --one-file-system "$folder"
}

if [ "${stop_only:-false}" = true ]; then
    found=false
    for folder in /run/vibepn-demo.*; do
        [ -d "$folder" ] || continue
        remove_demo "$folder"
        say "removed $folder and its namespaces"
        found=true
    done
    $found || say "no demo is running"
    exit 0
fi

"$repository/tools/install-dependencies.sh" demo
find_dotnet
as_owner "$repository/build.sh"
[ -c /dev/net/tun ] || fail "/dev/net/tun is missing: this kernel or container has no TUN devices."

work="$(mktemp -d /run/vibepn-demo.XXXXXX)"
prefix="vibepn-$$"
node_namespace() { printf '%s-node%s' "$prefix" "$1"; }
inside() {
    local node="$1"
    shift
    ip netns exec "$(node_namespace "$node")" "$@"
}
ctl() {
    local node="$1"
    shift
    "$work/dist/bin/vpnctl" --socket "$work/node$node/run/vibepn.sock" "$@"
}

on_exit() {
    local status=$?
    trap - EXIT INT TERM
    if [ "$status" -ne 0 ]; then
        local log
        for log in "$work"/node*/vibepnd.log; do
            [ -f "$log" ] || continue
            printf -- '--- last lines of %s\n' "${log#"$work"/}" >&2
            tail -n 25 "$log" >&2
        done
    fi
    if [ "$status" -ne 0 ] || ! $keep; then
        remove_demo "$work"
        say "cleaned up"
    fi
    exit "$status"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

started="$(date +%s%N)"
elapsed() { printf '%d.%d s' $((($(date +%s%N) - started) / 1000000000)) $((($(date +%s%N) - started) / 100000000 % 10)); }

# The daemon takes plugins only from a folder that nobody but root can write.
cp -R --no-preserve=ownership "$repository/dist" "$work/dist"

say "three namespaces, joined by a bridge in a fourth"
add_namespace() {
    echo "$1" >> "$work/namespaces"
    ip netns add "$1"
    ip -n "$1" link set lo up
}
add_namespace "$prefix-switch"
ip -n "$prefix-switch" link add br0 type bridge
ip -n "$prefix-switch" link set br0 up
for node in 1 2 3; do
    namespace="$(node_namespace "$node")"
    add_namespace "$namespace"
    ip -n "$namespace" link add eth0 type veth peer name "port$node" netns "$prefix-switch"
    ip -n "$prefix-switch" link set "port$node" master br0 up
    ip -n "$namespace" address add "192.0.2.$node/24" dev eth0
    ip -n "$namespace" address add "2001:db8::$node/64" dev eth0 nodad
    ip -n "$namespace" link set eth0 up
done

say "three identities"
fingerprints=('' '' '' '')
for node in 1 2 3; do
    mkdir -m 0700 "$work/node$node" "$work/node$node/run" "$work/node$node/state"
    "$work/dist/bin/vpnctl" init --identity-only --name "node$node" \
        --cert "$work/node$node/node.crt" --key "$work/node$node/node.key" > "$work/node$node/init.log" \
        || fail "vpnctl init failed: $(cat "$work/node$node/init.log")"
    fingerprints[node]="$("$work/dist/bin/vpnctl" fingerprint --cert "$work/node$node/node.crt" | grep -oE '[0-9a-f]{64}')"
    printf '    node%s %s\n' "$node" "${fingerprints[node]}"
done

# Node 1 and 2 dial each other; node 3 dials both, one of them over IPv6; nobody dials node 3.
peer_block() {
    local peer="$1" address="$2"
    printf '\n[[peers]]\nname = "node%s"\n' "$peer"
    [ -z "$address" ] || printf 'address = "%s"\n' "$address"
    printf 'fingerprint = "%s"\nnetworks = ["corp", "lab"]\n' "${fingerprints[peer]}"
}

for node in 1 2 3; do
    folder="$work/node$node"
    {
        cat << END
listen = ["0.0.0.0:51820", "[::]:51820"]
state = "$folder/state"

[identity]
cert = "$folder/node.crt"
key = "$folder/node.key"
fingerprint = "${fingerprints[node]}"

[control]
socket = "$folder/run/vibepn.sock"
END
        case "$node" in
            1) peer_block 2 192.0.2.2:51820; peer_block 3 '' ;;
            2) peer_block 1 192.0.2.1:51820; peer_block 3 '' ;;
            3) peer_block 1 192.0.2.1:51820; peer_block 2 '[2001:db8::2]:51820' ;;
        esac
        cat << END

[networks.corp]
prefix = "10.42.0.0/16"
prefix6 = "fd5a:1c3e:77::/64"
address = "auto"
address6 = "auto"
export = true

[networks.lab]
prefix = "10.99.0.0/24"
prefix6 = "fd5a:1c3e:78::/64"
address = "10.99.0.$node"
address6 = "fd5a:1c3e:78::$node"
export = true
END
    } > "$folder/config.toml"
    chmod 0600 "$folder/config.toml"
done

say "three daemons"
daemons=('' '' '' '')
for node in 1 2 3; do
    # Nothing of this shell's may stay open in a daemon that --keep leaves behind.
    inside "$node" setsid "$work/dist/bin/vibepnd" --config "$work/node$node/config.toml" \
        --plugins "$work/dist/plugins.toml" > "$work/node$node/vibepnd.log" 2>&1 < /dev/null &
    daemons[node]=$!
done

overlay_addresses() {
    ip -n "$(node_namespace "$1")" -o address show scope global \
        | awk '$2 != "eth0" && $2 != "lo" { sub("/.*", "", $4); print $4 }' | sort
}

# Each node has four overlay addresses, two peers and, per network and family, a route to each peer.
is_joined() {
    [ "$(overlay_addresses "$1" | wc -l)" -eq 4 ] \
        && [ "$(ctl "$1" peers --json 2> /dev/null | grep -c '"state": *"up"')" -eq 2 ] \
        && [ "$(ctl "$1" routes --json 2> /dev/null | grep -c '"best": *true')" -ge 8 ]
}
for node in 1 2 3; do
    tries=0
    until is_joined "$node"; do
        kill -0 "${daemons[node]}" 2> /dev/null || fail "the daemon of node$node has ended; its last lines follow."
        tries=$((tries + 1))
        [ "$tries" -le 100 ] || fail "node$node was not joined to both others within 15 s: $(ctl "$node" peers 2>&1)"
        sleep 0.05
    done
done
say "all three are joined ($(elapsed))"

say "pings between all pairs, on both networks, in IPv4 and IPv6"
for from in 1 2 3; do
    for to in 1 2 3; do
        [ "$from" -ne "$to" ] || continue
        for address in $(overlay_addresses "$to"); do
            answer="$(inside "$from" ping -q -n -c 5 -i 0.02 -w 5 "$address" 2>&1)" \
                || fail "node$from cannot ping node$to at $address: $(tail -n 3 <<< "$answer" | tr '\n' ' ')"
            printf '    node%s -> node%s  %-32s %s\n' "$from" "$to" "$address" \
                "$(grep -oE '[0-9]+ packets transmitted, [0-9]+ received' <<< "$answer"), $(sed -n 's/^rtt [^=]*= [^/]*\/\([^/]*\)\/.*/average \1 ms/p' <<< "$answer")"
        done
    done
done

say "iperf3, node1 -> node3, TCP over network lab"
inside 3 iperf3 -s -1 -B 10.99.0.3 > "$work/iperf3-server.log" 2>&1 &
tries=0
until inside 3 sh -c 'ss -ltn | grep -q :5201'; do
    tries=$((tries + 1))
    [ "$tries" -le 100 ] || fail "the iperf3 server did not start: $(cat "$work/iperf3-server.log")"
    sleep 0.05
done
inside 1 timeout 20 iperf3 -c 10.99.0.3 -t 3 -f m > "$work/iperf3.log" 2>&1 || fail "iperf3: $(cat "$work/iperf3.log")"
grep -E 'sender|receiver' "$work/iperf3.log" | sed 's/^/    /'

for command in status peers routes 'route explain 10.99.0.3' 'plugins swap routing routing-failover --dry-run' \
    'plugins swap routing routing-failover' 'plugins list'; do
    say "vpnctl $command   (on node1)"
    # shellcheck disable=SC2086 # each word is an argument
    ctl 1 $command | sed 's/^/    /'
done
say "demo done in $(elapsed) after the build"

if $keep; then
    say "left running, as asked"
    for node in 1 2 3; do
        cat << END
    node$node   shell:  sudo ip netns exec $(node_namespace "$node") bash
            client: sudo $work/dist/bin/vpnctl --socket $work/node$node/run/vibepn.sock status
            log:    $work/node$node/vibepnd.log      configuration: $work/node$node/config.toml
END
    done
    say "end it with: sudo ./demo.sh --stop"
fi
