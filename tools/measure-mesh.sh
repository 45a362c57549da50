#!/usr/bin/env bash
# Starts 32 daemons at once, each dialling all others: sudo [MESH_NODES=N] tools/measure-mesh.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" system -- -explicit only -showLiveOutput \
    -method VibePN.System.Tests.FullMeshTests.Thirty_two_nodes_started_at_once_have_one_connection_per_pair_and_all_pairs_ping
