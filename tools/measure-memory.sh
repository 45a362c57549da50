#!/usr/bin/env bash
# Memory of one daemon with 1, 10 and 100 peers: sudo [MEMORY_PEERS="1 10 100"] tools/measure-memory.sh
set -euo pipefail
. "$(dirname "$0")/common.sh"

usage() {
    cat << 'END'
usage: sudo [MEMORY_PEERS="1 10 100"] tools/measure-memory.sh

Resident memory of one daemon with so many connected peers, idle, and after 64 MiB of TCP through
one of them; and what each further peer takes. Every peer is a daemon of its own: 100 of them take
4 GB of memory and some minutes of processor time. MEMORY_PEERS="1 10" takes a minute.
END
}

case "${1:-}" in
    -h | --help) usage; exit 0 ;;
esac
exec "$repository/test.sh" system -- -explicit only -showLiveOutput -longRunning 900 \
    -method VibePN.System.Tests.MemoryTests.Memory_of_a_daemon_grows_little_with_each_peer
