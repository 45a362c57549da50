#!/usr/bin/env bash
# Compares vibepnd with other VPN daemons between two network namespaces on this machine.
set -euo pipefail
. "$(dirname "$0")/common.sh"

usage() {
    cat << 'END'
usage: sudo tools/compare-peers.sh [OPTION...]

Installs wireguard-go, Nebula and OpenVPN from Debian's suites (the newer ones only unpacked, under
$PEERS_DIR, default /tmp/vibepn-peers), builds vibepnd, and measures them in interleaved rounds: TCP,
UDP, ping, loss, CPU time and memory. Prints a table with ratios against wireguard-go. About 25 min
for 5 rounds of all; --rounds 1 --tests tcp1 takes a minute.

Everything happens in two namespaces that the run makes and removes. The options are those of
tests/benchmarks/peers/compare.py; --help-options lists them.
END
}

case "${1:-}" in
    -h | --help) usage; exit 0 ;;
    --help-options) exec python3 "$repository/tests/benchmarks/peers/compare.py" --help ;;
esac
require_root
export PEERS_DIR="${PEERS_DIR:-/tmp/vibepn-peers}" BENCH_WORK="${BENCH_WORK:-/tmp/vibepn-bench}"
peers="$repository/tests/benchmarks/peers"
"$repository/tools/install-dependencies.sh" demo
say "other daemons, into $PEERS_DIR"
"$peers/get-peers.sh" > /dev/null
find_dotnet
as_owner "$repository/build.sh"
mkdir -p "$BENCH_WORK"
exec python3 "$peers/compare.py" "$@"
