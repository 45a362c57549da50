#!/usr/bin/env bash
# Kills, stops and cuts off a gateway 50 times under traffic: sudo [ROUNDS=N] tools/measure-dead-peer.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" system -- -explicit only -showLiveOutput \
    -method VibePN.System.Tests.DeadPeerTests.Of_50_dead_gateways_99_percent_are_found_and_passed_over_within_3_s
