"""Values that are too low, and gains that are too good."""

import pytest

from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Outcome
from tests.unit.core.gates.evidence import (
    FIRST,
    baseline,
    case,
    compared,
    findings,
    numbers,
    policy,
    report,
    rule,
)


@pytest.mark.parametrize(
    ("accuracy", "rules", "found"),
    [
        pytest.param("0.9", policy(), [], id="nothing is asked"),
        pytest.param(
            "0.8",
            policy(rule(min_value="0.8")),
            [(Outcome.PASSED, "MetricFloor", "accuracy 0.8 is at least 0.8")],
            id="exactly the lowest value that is accepted",
        ),
        pytest.param(
            "0.7999",
            policy(rule(min_value="0.8")),
            [(Outcome.REJECTED, "BelowMinimum", "accuracy 0.7999 is lower than the policy asks of any model (minValue 0.8)")],
            id="lower, for a first model too",
        ),
        pytest.param(
            "NaN",
            policy(rule(min_value="0.8")),
            [(Outcome.NOT_MEASURED, "NotMeasured", "The candidate has no accuracy that could be compared with minValue")],
            id="no number",
        ),
    ],
)
def test_metric_floor(accuracy, rules, found):
    for live in (baseline(), None):
        assert findings(GateName.METRIC_FLOOR, case(report(accuracy=accuracy), live), rules) == found


@pytest.mark.parametrize(
    ("asked", "rules", "outcome", "reason", "sentence"),
    [
        pytest.param(FIRST, policy(), Outcome.PASSED, "NoBaseline", "No previous model to compare against", id="no live model"),
        pytest.param(
            case(report(accuracy="0.95")),
            policy(),
            Outcome.PASSED,
            "GainBelievable",
            "accuracy +0.0500 is no larger a gain than is believed (maxGain 0.05)",
            id="exactly the default",
        ),
        pytest.param(
            case(report(accuracy="0.9501")),
            policy(),
            Outcome.NEEDS_APPROVAL,
            "GainNotBelievable",
            "accuracy +0.0501 is a larger gain than is believed unseen (maxGain 0.05): let a person look for leaked or missing rows",
            id="more than the default",
        ),
        pytest.param(
            case(report(accuracy="0.91")),
            policy(rule(max_gain="0.005")),
            Outcome.NEEDS_APPROVAL,
            "GainNotBelievable",
            "accuracy +0.0100 is a larger gain than is believed unseen (maxGain 0.005): let a person look for leaked or missing rows",
            id="more than the owner's own bound",
        ),
        pytest.param(
            case(compared("0.0180", "0.0124", "0.0233"), baseline("0.8")),
            policy(),
            Outcome.PASSED,
            "GainBelievable",
            "accuracy +0.0180 is no larger a gain than is believed (maxGain 0.05)",
            id="what was measured of both counts, not the recorded number",
        ),
        pytest.param(
            case(report(), baseline(metrics={})),
            policy(),
            Outcome.NOT_MEASURED,
            "NotMeasured",
            "accuracy of the live model is not known, so neither is the gain",
            id="the live model's number is not known",
        ),
    ],
)
def test_gain_believable(asked, rules, outcome, reason, sentence):
    assert findings(GateName.GAIN_BELIEVABLE, asked, rules) == [(outcome, reason, sentence)]


def test_of_a_metric_without_bounds_nobody_knows_what_a_large_gain_is():
    rewarded = case(report(metrics=numbers(reward="120")), baseline(metrics=numbers(reward="3")))
    assert findings(GateName.GAIN_BELIEVABLE, rewarded, policy(rule("reward"))) == []
    ((outcome, _, _),) = findings(GateName.GAIN_BELIEVABLE, rewarded, policy(rule("reward", max_gain="100")))
    assert outcome is Outcome.NEEDS_APPROVAL
