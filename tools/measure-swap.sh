#!/usr/bin/env bash
# Swaps the routing policy, and the trust model, 100 times under 20,000 packets/s: sudo [SWAPS=N] [RATE=N] tools/measure-swap.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" system -- -explicit only -showLiveOutput \
    -method VibePN.System.Tests.SwapUnderLoadTests.A_hundred_swaps_of_the_routing_policy_take_at_most_50_ms_each_and_lose_no_packet_and_no_session
