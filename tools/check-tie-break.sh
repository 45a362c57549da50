#!/usr/bin/env bash
# Visits every state of the large worlds of the tie-break's model, in minutes and gigabytes: sudo tools/check-tie-break.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" --release engine -- -explicit only -showLiveOutput \
    -method VibePN.Engine.Tests.Sessions.Model.PairModelTests.Every_state_of_a_large_world_keeps_the_promises
