#!/usr/bin/env bash
# Stops a daemon for 60 s and measures how soon it is back: sudo tools/measure-suspend.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" system -- -explicit only -showLiveOutput \
    -method VibePN.System.Tests.SuspendTests.A_node_that_stood_still_for_60_s_is_back_within_2_s_after_it_goes_on
