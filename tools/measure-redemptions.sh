#!/usr/bin/env bash
# 64 concurrent redemptions of one invite, 1,000 rounds, over real files: sudo tools/measure-redemptions.sh
set -euo pipefail
exec "$(dirname "$0")/../test.sh" host -- -explicit only -showLiveOutput \
    -method VibePN.Host.Tests.Enrolment.EnrolmentsTests.Of_64_redemptions_at_once_exactly_one_succeeds_in_each_of_1000_rounds
