"""The holdout: the same for both, large enough, not trained on, and not worn out."""

from dataclasses import replace
from decimal import Decimal

import pytest

from modelsafeguard.core.comparison import Leakage, Part, Unmeasured
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Outcome
from tests.unit.core.gates.evidence import (
    FIRST,
    LIVE,
    OTHER_HOLDOUT,
    baseline,
    case,
    compared,
    findings,
    policy,
    report,
)

ADVICE = "let the trainer write predictions.csv with a live_predicted column"


@pytest.mark.parametrize(
    ("asked", "outcome", "reason", "sentence"),
    [
        pytest.param(FIRST, Outcome.PASSED, "NoBaseline", "No previous model to compare against", id="no live model"),
        pytest.param(
            case(compared()), Outcome.PASSED, "SameHoldout", "Both models were measured on the candidate's holdout", id="measured by us"
        ),
        pytest.param(
            case(compared(), baseline(holdout_digest=OTHER_HOLDOUT)),
            Outcome.PASSED,
            "SameHoldout",
            "Both models were measured on the candidate's holdout",
            id="the live model once on another holdout, and measured again on this one",
        ),
        pytest.param(case(), Outcome.PASSED, "SameHoldout", "Both models were measured on the same holdout", id="equal digests"),
        pytest.param(
            case(report(), baseline(holdout_digest=OTHER_HOLDOUT)),
            Outcome.NOT_MEASURED,
            "BaselineNotComparable",
            f"The live model {LIVE} was measured on one holdout and the candidate measured on another holdout: let the trainer write "
            "predictions.csv with a live_predicted column, or train with the live model's holdout",
            id="another holdout",
        ),
        pytest.param(
            case(report(), baseline(holdout_digest="")),
            Outcome.NOT_MEASURED,
            "HoldoutUnknown",
            f"It is not known on which holdout the live model {LIVE} was measured: {ADVICE}",
            id="the live model's holdout is not known",
        ),
        pytest.param(
            case(report(holdout_digest="", holdout_rows=0), baseline(holdout_digest="")),
            Outcome.NOT_MEASURED,
            "HoldoutUnknown",
            f"It is not known on which holdout the candidate was measured: {ADVICE}",
            id="neither holdout is known",
        ),
        pytest.param(
            case(replace(report(compared()), live_version="nightly-0"), baseline(holdout_digest="")),
            Outcome.NOT_MEASURED,
            "HoldoutUnknown",
            f"It is not known on which holdout the live model {LIVE} was measured: {ADVICE}",
            id="what was measured is of a version that is not live any more",
        ),
    ],
)
def test_same_holdout(asked, outcome, reason, sentence):
    assert findings(GateName.SAME_HOLDOUT, asked, policy()) == [(outcome, reason, sentence)]


@pytest.mark.parametrize(
    ("asked", "least", "outcome", "sentence"),
    [
        pytest.param(case(compared()), 100, Outcome.PASSED, "The holdout has 4,500 rows", id="large"),
        pytest.param(FIRST, 4500, Outcome.PASSED, "The holdout has 4,500 rows", id="exactly as large, of a first model too"),
        pytest.param(
            case(compared(rows=99)),
            100,
            Outcome.INCONCLUSIVE,
            "The holdout has 99 rows, and the policy asks for at least 100 (minHoldoutRows)",
            id="one row too few",
        ),
        pytest.param(
            case(report(holdout_digest="", holdout_rows=0)),
            100,
            Outcome.NOT_MEASURED,
            "The candidate's holdout is not known: the trainer wrote no predictions.csv",
            id="not known",
        ),
    ],
)
def test_holdout_large_enough(asked, least, outcome, sentence):
    ((found, _, said),) = findings(GateName.HOLDOUT_LARGE_ENOUGH, asked, policy(min_holdout_rows=least))
    assert (found, said) == (outcome, sentence)


ALLOWS = "allows: the numbers cannot be believed"


def leaked(candidate, live=19, rows=4500, **fields):
    return replace(report(compared(), **fields), leakage=Leakage(rows, candidate, live))


@pytest.mark.parametrize(
    ("asked", "most", "outcome", "sentence"),
    [
        pytest.param(
            case(leaked(19)), "0.01", Outcome.PASSED, "19 of 4,500 holdout rows were trained on (19 by the live model)", id="real data"
        ),
        pytest.param(
            case(leaked(64)),
            "0.01",
            Outcome.PASSED,
            "64 of 4,500 holdout rows were trained on (19 by the live model)",
            id="exactly as much more",
        ),
        pytest.param(
            case(leaked(65)),
            "0.01",
            Outcome.INCONCLUSIVE,
            f"65 of 4,500 holdout rows were trained on (19 by the live model), more than maxLeakage 0.01 {ALLOWS}",
            id="one row too many",
        ),
        pytest.param(
            case(leaked(46, None)),
            "0.01",
            Outcome.INCONCLUSIVE,
            f"46 of 4,500 holdout rows were trained on (that is not known of the live model), more than maxLeakage 0.01 {ALLOWS}",
            id="of the live model it is not known: taken for none",
        ),
        pytest.param(
            case(replace(leaked(65, 65), live_version="nightly-0")),
            "0.01",
            Outcome.INCONCLUSIVE,
            f"65 of 4,500 holdout rows were trained on (that is not known of the live model), more than maxLeakage 0.01 {ALLOWS}",
            id="another live model's leak is no excuse",
        ),
        pytest.param(
            case(leaked(4500, 4500), None),
            "0.01",
            Outcome.INCONCLUSIVE,
            f"4,500 of 4,500 holdout rows were trained on (there is no live model), more than maxLeakage 0.01 {ALLOWS}",
            id="a first model must not know its holdout either",
        ),
        pytest.param(
            case(leaked(20)),
            "0",
            Outcome.INCONCLUSIVE,
            f"20 of 4,500 holdout rows were trained on (19 by the live model), more than maxLeakage 0 {ALLOWS}",
            id="none more is accepted",
        ),
        pytest.param(
            case(report(leakage=None, not_measured={Part.LEAKAGE: Unmeasured.NO_TRAIN_DIGESTS})),
            "0.01",
            Outcome.NOT_MEASURED,
            "Whether holdout rows were trained on was not measured: the trainer wrote no train-digests.txt",
            id="not measured",
        ),
    ],
)
def test_no_leakage(asked, most, outcome, sentence):
    ((found, _, said),) = findings(GateName.NO_LEAKAGE, asked, policy(max_leakage=Decimal(most)))
    assert (found, said) == (outcome, sentence)


@pytest.mark.parametrize(
    ("asked", "outcome", "sentence"),
    [
        pytest.param(case(decisions=1), Outcome.PASSED, "This is decision 1 on this holdout", id="the first one"),
        pytest.param(case(decisions=50), Outcome.PASSED, "This is decision 50 on this holdout", id="the last one that is accepted"),
        pytest.param(
            case(decisions=51),
            Outcome.INCONCLUSIVE,
            "This is decision 51 on this holdout, and the policy takes 50 (maxDecisions): rotate the holdout",
            id="one too many",
        ),
        pytest.param(
            case(decisions=None), Outcome.NOT_MEASURED, "How many decisions were taken on this holdout is not known", id="not counted"
        ),
        pytest.param(
            case(report(holdout_digest="", holdout_rows=0)),
            Outcome.NOT_MEASURED,
            "The candidate's holdout is not known: the trainer wrote no predictions.csv",
            id="on an unknown holdout",
        ),
    ],
)
def test_holdout_not_worn_out(asked, outcome, sentence):
    ((found, _, said),) = findings(GateName.HOLDOUT_NOT_WORN_OUT, asked, policy())
    assert (found, said) == (outcome, sentence)
