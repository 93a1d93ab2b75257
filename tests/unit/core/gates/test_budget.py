"""The budget of losses: what many accepted drops add up to."""

import pytest

from modelsafeguard.core.gates import GATES
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.report import Evidence
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


def below(distance, accuracy="0.9", **fields):
    return baseline(accuracy, below_best=numbers(accuracy=distance), **fields)


@pytest.mark.parametrize(
    ("asked", "rules", "outcome", "sentence"),
    [
        pytest.param(FIRST, policy(), Outcome.PASSED, "No previous model to compare against", id="no live model"),
        pytest.param(
            case(report(accuracy="0.905"), below("0.018")),
            policy(),
            Outcome.PASSED,
            "accuracy would be 0.013 below the best since the last re-base (maxTotalDrop 0.02)",
            id="a gain makes up for some",
        ),
        pytest.param(
            case(report(accuracy="0.93"), below("0.018")),
            policy(),
            Outcome.PASSED,
            "accuracy would be no lower than the best since the last re-base (maxTotalDrop 0.02)",
            id="a new best one",
        ),
        pytest.param(
            case(report(accuracy="0.898"), below("0.018")),
            policy(),
            Outcome.PASSED,
            "accuracy would be 0.02 below the best since the last re-base (maxTotalDrop 0.02)",
            id="exactly as far as it may come",
        ),
        pytest.param(
            case(report(accuracy="0.8979"), below("0.018")),
            policy(),
            Outcome.REJECTED,
            "accuracy would be 0.0201 below the best since the last re-base, 0.018 of it by earlier promotions (maxTotalDrop 0.02)",
            id="a little too far",
        ),
        pytest.param(
            case(report(accuracy="0.8979"), below("0.018")),
            policy(rule(max_total_drop="0.03")),
            Outcome.PASSED,
            "accuracy would be 0.0201 below the best since the last re-base (maxTotalDrop 0.03)",
            id="not too far for this owner",
        ),
        pytest.param(
            case(report(accuracy="0.8999"), baseline()),
            policy(rule(max_drop="0")),
            Outcome.REJECTED,
            "accuracy would be 0.0001 below the best since the last re-base, 0 of it by earlier promotions (maxTotalDrop 0)",
            id="where no drop is accepted there is no budget",
        ),
        pytest.param(
            case(compared("-0.0067", "-0.0096", "-0.0042"), below("0.018", "0.8")),
            policy(),
            Outcome.REJECTED,
            "accuracy would be 0.0247 below the best since the last re-base, 0.018 of it by earlier promotions (maxTotalDrop 0.02)",
            id="what was measured of both counts, not the recorded number",
        ),
        pytest.param(
            case(report(), baseline(metrics={})),
            policy(),
            Outcome.NOT_MEASURED,
            "accuracy of the live model is not known, so neither is the loss",
            id="the loss is not known",
        ),
    ],
)
def test_within_total_budget(asked, rules, outcome, sentence):
    ((found, _, said),) = findings(GateName.WITHIN_TOTAL_BUDGET, asked, rules)
    assert (found, said) == (outcome, sentence)


def test_a_loss_by_recorded_numbers_is_marked():
    (by_numbers,) = GATES[GateName.WITHIN_TOTAL_BUDGET](case(report(accuracy="0.899")), policy())
    (by_rows,) = GATES[GateName.WITHIN_TOTAL_BUDGET](case(compared()), policy())
    assert (by_numbers.numbers["evidence"], by_rows.numbers["evidence"]) == (Evidence.ANNOTATED, Evidence.PAIRED)
