#!/usr/bin/env bash
# Mixed traffic between two daemons, every byte of it compared: sudo [SOAK_SECONDS=600] tools/soak.sh
set -euo pipefail
. "$(dirname "$0")/common.sh"

usage() {
    cat << 'END'
usage: sudo [SOAK_SECONDS=N] tools/soak.sh

Two daemons, and between them TCP, UDP of all sizes (fragments, runs by UDP_SEGMENT, without a
checksum), ICMP echo, IPv4 options and IPv6 destination options, in both families and directions,
for 600 s. Fails when a byte was altered, a datagram reordered or repeated, one lost at a low
rate, a checksum or header found wrong by a kernel, or the daemons' memory grew by 30 MB.
Says every 30 s how it stands.
END
}

case "${1:-}" in
    -h | --help) usage; exit 0 ;;
esac
seconds="${SOAK_SECONDS:-600}"
export SOAK_SECONDS="$seconds" TEST_LIMIT="$((seconds + 300))"
exec "$repository/test.sh" system -- -explicit only -showLiveOutput -longRunning "$((seconds + 120))" \
    -method VibePN.System.Tests.SoakTests.Mixed_traffic_is_not_altered_or_reordered_in_ten_minutes
