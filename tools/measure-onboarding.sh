#!/usr/bin/env bash
# Two machines from nothing to the first ping, with the clock running: sudo tools/measure-onboarding.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" system -- -showLiveOutput \
    -method VibePN.System.Tests.OnboardingTests.Two_machines_go_from_nothing_to_ping_in_four_commands_within_10_s
