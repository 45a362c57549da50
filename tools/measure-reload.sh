#!/usr/bin/env bash
# Reloads 1,000 random files and 200 invalid ones under 20,000 packets/s: sudo [RELOADS=N] [INVALID=N] [RATE=N] [SEED=N] tools/measure-reload.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" system -- -explicit only -showLiveOutput \
    -method VibePN.System.Tests.ReloadUnderLoadTests.A_thousand_random_reloads_and_200_invalid_files_lose_no_packet_of_an_untouched_network
