#!/usr/bin/env bash
# Writes down anew what every command of vpnctl prints (tests/vpnctl/golden/COMMAND/*.txt) and how the daemon describes every
# method (tests/host/Control/golden/METHOD.json). Read the diff before committing.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet build tests/vpnctl -nologo -v:quiet
UPDATE_GOLDEN=1 tests/vpnctl/bin/Debug/net10.0/vpnctl.Tests -noLogo -noColor -class '*GoldenTests' || true
dotnet build tests/host -nologo -v:quiet
UPDATE_GOLDEN=1 tests/host/bin/Debug/net10.0/vibepnd.Tests -noLogo -noColor -class '*DescribeTests' || true
git --no-pager diff --stat -- tests/vpnctl/golden tests/host/Control/golden
