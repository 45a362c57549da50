#!/usr/bin/env bash
# Asks for the status every 50 ms while 1,000,000 odd requests, slow clients and 1,000 connections at once are at the control
# socket; each answer must come within 100 ms. First a server in the test's own process, then a real daemon as build.sh
# publishes it: sudo tools/measure-control.sh
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$repository"
test="A_million_odd_requests_slow_clients_and_a_thousand_connections_delay_no_status_by_more_than_100_ms"
failed=0
# Both are measured, whatever the first one shows.
./test.sh --release control-unix -- -explicit only -showLiveOutput -method "VibePN.Plugins.ControlUnix.Tests.LoadTests.$test" || failed=1
find_dotnet
as_owner ./build.sh
VIBEPN_DIST="$PWD/dist" ./test.sh --release host -- -explicit only -showLiveOutput -method "VibePN.Host.Tests.Running.ControlSocketTests.$test" || failed=1
exit "$failed"
