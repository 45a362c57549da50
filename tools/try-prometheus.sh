#!/usr/bin/env bash
# Lets a real Prometheus scrape a real daemon: sudo tools/try-prometheus.sh
set -euo pipefail
. "$(dirname "$0")/common.sh"

usage() {
    cat << 'END'
usage: sudo tools/try-prometheus.sh

Starts two daemons in two network namespaces and a Prometheus beside the first, with the
alerts of docs/prometheus, lets it scrape every second while pings pass, asks it for what
the dashboard and the alerts ask, and removes everything it made. Needs ./build.sh before,
and 'tools/install-dependencies.sh test' (Debian's package prometheus).
END
}

case "${1:-}" in
    '') ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
require_root
cd "$repository"
[ -x dist/bin/vibepnd ] || fail "there is no daemon in dist/: run ./build.sh first."
for tool in prometheus promtool python3; do
    command -v "$tool" > /dev/null || fail "'$tool' is missing: tools/install-dependencies.sh test."
done
find_dotnet

work="$(mktemp -d /run/vibepn-prometheus.XXXXXX)"
prefix="vibepn-prom-$$"
processes=()
on_exit() {
    local status=$? process
    trap - EXIT INT TERM
    if [ "$status" -ne 0 ]; then
        tail -n 15 "$work"/*.log >&2 || true
    fi
    for process in "${processes[@]}"; do
        kill -TERM "$process" 2> /dev/null || true
    done
    wait 2> /dev/null || true
    ip netns del "$prefix-1" 2> /dev/null || true
    ip netns del "$prefix-2" 2> /dev/null || true
    rm -rf --one-file-system "$work"
    exit "$status"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

inside() {
    local node="$1"
    shift
    ip netns exec "$prefix-$node" "$@"
}
ctl() { dist/bin/vpnctl --socket "$work/node$1/run/vibepn.sock" "${@:2}"; }
query() { inside 1 promtool query instant http://127.0.0.1:9090 "$1"; }
# The value of a query's first series.
value() { query "$1" | sed -n '1s/.*=> \([^ ]*\) @.*/\1/p'; }
wait_for() {
    local what="$1" tries=0
    shift
    until "$@" > /dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -le 300 ] || fail "$what: not within 30 s."
        sleep 0.1
    done
}

cp -R --no-preserve=ownership dist "$work/dist"
ip netns add "$prefix-1"
ip netns add "$prefix-2"
ip -n "$prefix-1" link add eth0 type veth peer name eth0 netns "$prefix-2"
for node in 1 2; do
    ip -n "$prefix-$node" link set lo up
    ip -n "$prefix-$node" address add "192.0.2.$node/24" dev eth0
    ip -n "$prefix-$node" link set eth0 up
    mkdir -m 0700 "$work/node$node"
    dist/bin/vpnctl init --identity-only --name "node$node" --cert "$work/node$node/node.crt" --key "$work/node$node/node.key" > /dev/null
done
for node in 1 2; do
    peer=$((3 - node))
    cat > "$work/node$node/config.toml" << END
state = "$work/node$node/state"
[identity]
cert = "node.crt"
key = "node.key"
[control]
socket = "$work/node$node/run/vibepn.sock"
[[peers]]
name = "node$peer"
address = "192.0.2.$peer:51820"
fingerprint = "$(dist/bin/vpnctl fingerprint --cert "$work/node$peer/node.crt" | grep -oE '[0-9a-f]{64}')"
networks = ["corp"]
[networks.corp]
prefix = "10.42.0.0/24"
address = "10.42.0.$node"
export = true
END
    chmod 0600 "$work/node$node/config.toml"
    # Not through a function: what is ended later is the process itself, and not a shell around it.
    ip netns exec "$prefix-$node" "$work/dist/bin/vibepnd" --config "$work/node$node/config.toml" --plugins "$work/dist/plugins.toml" \
        > "$work/node$node.log" 2>&1 < /dev/null &
    processes+=($!)
done
is_joined() { ctl 1 peers --json | grep -q '"state": *"up"'; }
wait_for "the two daemons are joined" is_joined

cat > "$work/prometheus.yml" << END
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ["$repository/docs/prometheus/alerts.yml"]
scrape_configs:
  - job_name: vibepn
    static_configs: [{ targets: ["127.0.0.1:9000"] }]
END
ip netns exec "$prefix-1" prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address=127.0.0.1:9090 \
    > "$work/prometheus.log" 2>&1 < /dev/null &
processes+=($!)
has_scraped() { [ "$(value 'up{job="vibepn"}')" = 1 ]; }
wait_for "Prometheus has scraped the daemon" has_scraped
say "Prometheus $(prometheus --version 2>&1 | sed -n '1s/.*version \([^ ]*\).*/\1/p') scrapes the daemon"

inside 1 ping -q -n -c 200 -i 0.02 10.42.0.2 > "$work/ping.log"
sent() { [ "$(value 'sum(vibepn_peer_packets_total{peer="node2",direction="out"})')" -ge 200 ]; }
wait_for "200 pings are counted" sent
say "what it has, after 200 pings"
for expression in \
    'vibepn_build_info' 'vibepn_peer_up' 'vibepn_sessions{state="up"}' 'vibepn_peer_packets_total' 'vibepn_peer_round_trip_seconds' \
    'vibepn_peer_path_mtu_bytes' 'vibepn_routes{state="accepted"}' 'vibepn_quic_handshakes_total{result="completed"}' \
    'rate(vibepn_peer_queue_wait_seconds_total[10s]) / on (instance, peer) sum by (instance, peer) (rate(vibepn_peer_packets_total{direction="out"}[10s]))' \
    'vibepn_gc_pause_seconds_total' 'vibepn_control_stalls_total'; do
    answer="$(query "$expression")"
    [ -n "$answer" ] || fail "Prometheus has nothing for $expression"
    sed 's/ @\[[0-9.]*\]$//; s/^/    /' <<< "$answer"
done

say "every question of the dashboard"
python3 - docs/grafana/vibepn.json > "$work/questions" << 'END'
import json, sys
for panel in json.load(open(sys.argv[1]))["panels"]:
    for target in panel.get("targets", []):
        print(target["expr"].replace("$__rate_interval", "10s").replace("$instance", ".*").replace("$peer", ".*"))
END
while read -r expression; do
    query "$expression" > "$work/answer" 2>&1 || fail "$expression: $(cat "$work/answer")"
    # Nothing has been dropped, so that one has no series.
    [ -s "$work/answer" ] || [[ "$expression" == *dropped_packets* ]] || fail "no answer to $expression"
done < "$work/questions"
say "$(wc -l < "$work/questions") questions, all answered"

say "a daemon that dies"
kill -KILL "${processes[1]}"
has_gone() { [ "$(value 'vibepn_peer_up{peer="node2"}')" = 0 ] && query 'ALERTS{alertname="VibepnPeerDown"}' | grep -q pending; }
wait_for "node2 is down, and its alert is pending" has_gone
query 'ALERTS{alertname="VibepnPeerDown"}' | sed 's/ @\[[0-9.]*\]$//; s/^/    /'
[ -z "$(query 'vibepn_peer_round_trip_seconds{peer="node2"}')" ] || fail "the round trip of a peer that is down is still served."
say "Prometheus scrapes, the dashboard's questions have answers, the alerts work"
