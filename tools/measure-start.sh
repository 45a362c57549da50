#!/usr/bin/env bash
# Measures the time from the start of two daemons to the first ping, on warm files: sudo tools/measure-start.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" system -- -explicit only -showLiveOutput \
    -method VibePN.System.Tests.StartTests.Median_time_from_start_to_first_ping_is_at_most_1_s
