#!/usr/bin/env bash
# What a slow peer takes from the others: sudo [ROUNDS=3] [FAIR_SECONDS=5] tools/measure-fairness.sh
set -euo pipefail
. "$(dirname "$0")/common.sh"

usage() {
    cat << 'END'
usage: sudo [ROUNDS=3] [FAIR_SECONDS=5] tools/measure-fairness.sh

A hub with eight peers, one of them behind a link of 1 Mbit/s. By turns the slow one is left alone
and sent more than it can take, while the hub sends TCP to the other seven, and then 200 paced
packets/s to each. Prints the ratio of the throughputs and how many paced packets were lost; fails
below 0.95, or when one was lost.
END
}

case "${1:-}" in
    -h | --help) usage; exit 0 ;;
esac
exec "$repository/test.sh" system -- -explicit only -showLiveOutput -longRunning 900 \
    -method VibePN.System.Tests.FairnessTests.A_slow_peer_takes_at_most_5_percent_from_the_others_and_none_of_their_paced_packets
