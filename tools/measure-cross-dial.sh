#!/usr/bin/env bash
# Starts two daemons that dial each other 100 times within 10 ms: sudo tools/measure-cross-dial.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" system -- -explicit only -showLiveOutput \
    -method VibePN.System.Tests.CrossDialTests.A_hundred_cross_dials_end_with_one_connection_each_and_traffic_flows
