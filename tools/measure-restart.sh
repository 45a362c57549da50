#!/usr/bin/env bash
# Kills and restarts a daemon 50 times: sudo [ROUNDS=N] tools/measure-restart.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" system -- -explicit only -showLiveOutput \
    -method VibePN.System.Tests.RestartTimeTests.A_killed_node_that_is_started_anew_pings_within_1_s_in_the_median_and_5_s_always
