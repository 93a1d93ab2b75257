"""The interval rule: better, worse, or too little evidence."""

from dataclasses import replace

import pytest

from modelsafeguard.core.comparison import Part, Unmeasured
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Outcome
from tests.unit.core.gates.evidence import (
    FIRST,
    LIVE,
    NOT_COMPARED,
    case,
    compared,
    findings,
    interval,
    policy,
    report,
    rule,
)

RATHER_SMALL = compared("-0.0031", "-0.0128", "0.0066", rows=1000, gained=18, lost=22)


@pytest.mark.parametrize(
    ("asked", "rules", "outcome", "reason", "sentence"),
    [
        pytest.param(FIRST, policy(), Outcome.PASSED, "NoBaseline", "No previous model to compare against", id="no live model"),
        pytest.param(
            case(compared("0.0202", "0.0140", "0.0260")),
            policy(),
            Outcome.PASSED,
            "NonInferior",
            "accuracy +0.0202 [+0.0140, +0.0260] is within the tolerance 0.01",
            id="better for certain",
        ),
        pytest.param(
            case(compared("-0.0067", "-0.0096", "-0.0042")),
            policy(),
            Outcome.PASSED,
            "NonInferior",
            "accuracy -0.0067 [-0.0096, -0.0042] is within the tolerance 0.01",
            id="worse for certain, and by less than the tolerance",
        ),
        pytest.param(
            case(compared("-0.0067", "-0.009999", "-0.0042")),
            policy(),
            Outcome.PASSED,
            "NonInferior",
            "accuracy -0.0067 [-0.009999, -0.0042] is within the tolerance 0.01",
            id="by a hair: what is shown does not contradict it",
        ),
        pytest.param(
            case(compared("-0.0031", "-0.0100", "0.0036")),
            policy(),
            Outcome.INCONCLUSIVE,
            "NotEnoughEvidence",
            "accuracy -0.0031 [-0.0100, +0.0036]: 4,500 holdout rows do not tell whether accuracy shows a drop of at most 0.01",
            id="an end on the margin is not above it, and more rows need not help",
        ),
        pytest.param(
            case(RATHER_SMALL),
            policy(),
            Outcome.INCONCLUSIVE,
            "NotEnoughEvidence",
            "accuracy -0.0031 [-0.0128, +0.0066]: needs about 1,923 holdout rows, has 1,000",
            id="too few rows, and how many it takes",
        ),
        pytest.param(
            case(compared("-0.0196", "-0.0250", "-0.0141")),
            policy(),
            Outcome.REJECTED,
            "PerformanceDegraded",
            "accuracy -0.0196 [-0.0250, -0.0141] is a larger drop than the policy accepts (maxDrop 0.01)",
            id="beyond the tolerance for certain",
        ),
        pytest.param(
            case(compared("0", "-0.001", "0.001")),
            policy(rule(max_drop="0")),
            Outcome.INCONCLUSIVE,
            "NotEnoughEvidence",
            "accuracy +0.0000 [-0.0010, +0.0010]: 4,500 holdout rows do not tell whether accuracy shows a drop of at most 0",
            id="no drop is accepted: nobody can show that of an equal model",
        ),
        pytest.param(
            case(compared("0.0202", "0.0140", "0.0260")),
            policy(rule(max_drop="-0.01")),
            Outcome.PASSED,
            "NonInferior",
            "accuracy +0.0202 [+0.0140, +0.0260] is within the tolerance -0.01",
            id="a required gain that is certain",
        ),
        pytest.param(
            case(compared("0.0102", "0.0040", "0.0160")),
            policy(rule(max_drop="-0.01")),
            Outcome.INCONCLUSIVE,
            "NotEnoughEvidence",
            "accuracy +0.0102 [+0.0040, +0.0160]: 4,500 holdout rows do not tell whether accuracy shows a gain of 0.01",
            id="a required gain that is not certain",
        ),
        pytest.param(
            case(compared("0.0002", "-0.0004", "0.0011")),
            policy(rule(max_drop="-0.01")),
            Outcome.REJECTED,
            "GainTooSmall",
            "accuracy +0.0002 [-0.0004, +0.0011] is a smaller gain than the policy requires (0.01)",
            id="a required gain that was missed for certain",
        ),
        pytest.param(
            case(report(not_measured={Part.COMPARISON: Unmeasured.NO_PREDICTIONS})),
            policy(),
            Outcome.NOT_MEASURED,
            "NotCompared",
            f"{NOT_COMPARED}: the trainer wrote no predictions.csv",
            id="nothing to compare by, and why",
        ),
        pytest.param(case(), policy(), Outcome.NOT_MEASURED, "NotCompared", NOT_COMPARED, id="nothing to compare by, and nobody said why"),
        pytest.param(
            case(replace(report(compared()), live_version="nightly-0")),
            policy(),
            Outcome.NOT_MEASURED,
            "NotCompared",
            f"{NOT_COMPARED}: the comparison is with nightly-0, and {LIVE} is live",
            id="compared with a version that is not live any more",
        ),
        pytest.param(
            case(compared()),
            policy(rule("recall_at_5")),
            Outcome.NOT_MEASURED,
            "NotMeasured",
            "recall_at_5 has no interval: only accuracy, f1_macro and f1_weighted can be computed from predictions; "
            "take recall_at_5 out of the policy, or set gate NonInferior to Warn and MetricWithinTolerance to Enforce",
            id="a metric that has no interval",
        ),
    ],
)
def test_non_inferior(asked, rules, outcome, reason, sentence):
    assert findings(GateName.NON_INFERIOR, asked, rules) == [(outcome, reason, sentence)]


def test_non_inferior_is_asked_of_each_metric():
    both = compared(metrics={"accuracy": interval("0", "-0.001", "0.001"), "f1_macro": interval("-0.03", "-0.04", "-0.02")})
    found = findings(GateName.NON_INFERIOR, case(both), policy(rule(), rule("f1_macro")))
    assert [outcome for outcome, _, _ in found] == [Outcome.PASSED, Outcome.REJECTED]
    assert found[1][2] == "F1 -0.0300 [-0.0400, -0.0200] is a larger drop than the policy accepts (maxDrop 0.01)"
