"""Rows that were lost, and candidates in which nothing changed."""

from decimal import Decimal

import pytest

from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Outcome
from tests.unit.core.gates.evidence import (
    FIRST,
    LIVE_MODEL,
    NOT_COMPARED,
    baseline,
    case,
    compared,
    findings,
    policy,
    report,
    rule,
)

NOISE = compared("-0.0076", "-0.0116", "-0.0036", gained=24, lost=58, p="0.0002")


@pytest.mark.parametrize(
    ("asked", "rules", "outcome", "reason", "sentence"),
    [
        pytest.param(FIRST, policy(), Outcome.PASSED, "NoBaseline", "No previous model to compare against", id="no live model"),
        pytest.param(case(), policy(), Outcome.NOT_MEASURED, "NotCompared", NOT_COMPARED, id="not compared"),
        pytest.param(
            case(compared("-0.0031", "-0.0100", "0.0036", gained=128, lost=142, p="0.43")),
            policy(),
            Outcome.PASSED,
            "NegativeFlipsBounded",
            "142 rows lost, 128 gained (McNemar p 0.43)",
            id="more are lost than gained, by chance",
        ),
        pytest.param(
            case(NOISE),
            policy(),
            Outcome.REJECTED,
            "WorseBeyondChance",
            "accuracy -0.0076 [-0.0116, -0.0036] is worse beyond chance, and not shown to be within the tolerance 0.01: "
            "58 rows lost, 24 gained (McNemar p 0.0002)",
            id="worse beyond chance, and not shown to be so by little enough",
        ),
        pytest.param(
            case(compared("-0.0067", "-0.0096", "-0.0042", gained=4, lost=34, p="6e-7")),
            policy(),
            Outcome.PASSED,
            "NegativeFlipsBounded",
            "34 rows lost, 4 gained (McNemar p 6e-7)",
            id="worse beyond chance, and by less than the tolerance",
        ),
        pytest.param(
            case(compared("0.0076", "0.0036", "0.0116", gained=58, lost=24, p="0.0002")),
            policy(rule(max_drop="-0.005")),
            Outcome.PASSED,
            "NegativeFlipsBounded",
            "24 rows lost, 58 gained (McNemar p 0.0002)",
            id="better beyond chance",
        ),
        pytest.param(
            case(NOISE),
            policy(rule("f1_macro")),
            Outcome.PASSED,
            "NegativeFlipsBounded",
            "58 rows lost, 24 gained (McNemar p 0.0002)",
            id="nobody has said how much accuracy may be lost",
        ),
        pytest.param(
            case(compared(gained=139, lost=48)),
            policy(max_negative_flips=Decimal("0.01")),
            Outcome.REJECTED,
            "TooManyNegativeFlips",
            "48 rows lost, 139 gained (McNemar p 1): 1.07 % of the holdout were right and are wrong, "
            "more than maxNegativeFlips 0.01 allows",
            id="more are lost than the owner accepts, whatever was gained",
        ),
        pytest.param(
            case(compared(gained=139, lost=45)),
            policy(max_negative_flips=Decimal("0.01")),
            Outcome.PASSED,
            "NegativeFlipsBounded",
            "45 rows lost, 139 gained (McNemar p 1)",
            id="exactly as many as the owner accepts",
        ),
    ],
)
def test_negative_flips_bounded(asked, rules, outcome, reason, sentence):
    assert findings(GateName.NEGATIVE_FLIPS_BOUNDED, asked, rules) == [(outcome, reason, sentence)]


@pytest.mark.parametrize(
    ("asked", "outcome", "reason", "sentence"),
    [
        pytest.param(FIRST, Outcome.PASSED, "NoBaseline", "No previous model to compare against", id="no live model"),
        pytest.param(case(compared()), Outcome.PASSED, "SomethingChanged", "60 answers of 4,500 changed", id="some rows"),
        pytest.param(
            case(compared(gained=0, lost=0, changed=1)),
            Outcome.PASSED,
            "SomethingChanged",
            "1 answer of 4,500 changed",
            id="one row, from wrong to wrong",
        ),
        pytest.param(
            case(compared(gained=0, lost=0)),
            Outcome.UNCHANGED,
            "NothingChanged",
            "The candidate answers all 4,500 holdout rows as the live model does",
            id="no row",
        ),
        pytest.param(
            case(report(model_digest=LIVE_MODEL)),
            Outcome.UNCHANGED,
            "NothingChanged",
            "The candidate is the live model once more: their model digests are equal",
            id="the very same model",
        ),
        pytest.param(case(), Outcome.PASSED, "SomethingChanged", "The model digests differ", id="not compared, and another model"),
        pytest.param(
            case(report(model_digest=""), baseline(model_digest="")),
            Outcome.NOT_MEASURED,
            "NotCompared",
            NOT_COMPARED,
            id="no digests are not equal ones",
        ),
    ],
)
def test_something_changed(asked, outcome, reason, sentence):
    assert findings(GateName.SOMETHING_CHANGED, asked, policy()) == [(outcome, reason, sentence)]
