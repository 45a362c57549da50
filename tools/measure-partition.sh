#!/usr/bin/env bash
# Cuts a mesh in halves and heals it: sudo [MESH_NODES=N] [PARTITION_SECONDS=S] tools/measure-partition.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" system -- -explicit only -showLiveOutput \
    -method VibePN.System.Tests.FullMeshTests.Halves_that_were_parted_until_the_back_off_is_at_its_cap_ping_within_35_s_of_healing
