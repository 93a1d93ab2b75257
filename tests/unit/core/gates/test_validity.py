"""Thresholds that cannot be applied."""

from dataclasses import replace
from decimal import Decimal

import pytest

from modelsafeguard.core.gates.validity import policy_complete
from modelsafeguard.core.policy import GateMode
from modelsafeguard.core.profiles import GateName, Mode
from tests.unit.core.gates.evidence import (
    case,
    policy,
    rule,
)


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        (
            policy(rule(min_value="1.2")),
            "The policy's minValue cannot be reached by any candidate: accuracy is 1.2, outside its range from 0 to 1",
        ),
        (
            policy(rule(max_gain="-0.1")),
            "The policy's maxGain of accuracy is -0.1: it must be a finite decimal that is not negative, such as 0.05",
        ),
        (
            policy(rule(max_total_drop="NaN")),
            "The policy's maxTotalDrop of accuracy is NaN: it must be a finite decimal that is not negative, such as 0.05",
        ),
        (policy(max_leakage=Decimal(5)), "The policy's maxLeakage is 5: it is a fraction between 0 and 1 (one percentage point is 0.01)"),
        (
            policy(max_slice_drop=Decimal("NaN")),
            "The policy's maxSliceDrop is NaN: it is a fraction between 0 and 1 (one percentage point is 0.01)",
        ),
        (
            policy(max_negative_flips=Decimal(-1)),
            "The policy's maxNegativeFlips is -1: it is a fraction between 0 and 1 (one percentage point is 0.01)",
        ),
        (policy(max_decisions=-1), "The policy's minHoldoutRows or maxDecisions is negative: it is a count"),
        (
            replace(policy(), gates=(GateMode(GateName.NO_LEAKAGE, Mode.OFF), GateMode(GateName.NO_LEAKAGE, Mode.WARN))),
            "The policy sets gate NoLeakage more than once: keep one mode for each gate",
        ),
    ],
)
def test_a_threshold_that_cannot_be_applied_is_named(rules, fault):
    assert [found.message for found in policy_complete(case(), rules)] == [fault]
