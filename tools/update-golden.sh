#!/usr/bin/env bash
# Writes down anew what every command of vpnctl prints: tests/vpnctl/golden/COMMAND/*.txt. Read the diff before committing.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet build tests/vpnctl -nologo -v:quiet
UPDATE_GOLDEN=1 tests/vpnctl/bin/Debug/net10.0/vpnctl.Tests -noLogo -noColor -class '*GoldenTests' || true
git --no-pager diff --stat -- tests/vpnctl/golden
