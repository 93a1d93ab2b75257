"""The budget of losses: what many accepted drops add up to."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.core.gates import GATES, choose_baseline
from modelsafeguard.core.gates.budget import below_best_after
from modelsafeguard.core.judge import judge
from modelsafeguard.core.profiles import GateName, Mode
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


def retrained(rules, changes):
    """The accuracy of the live model after each of these candidates, of which those are promoted that pass; and what the record says."""
    live = baseline("0.9000", metrics=numbers(accuracy="0.9", f1_macro="0.9"))
    history = []
    for change in changes:
        candidate = report(metrics={name: value + change for name, value in live.metrics.items()})
        if judge(rules, candidate, live, decisions=1).verdict is None:
            below_best = below_best_after(choose_baseline(candidate, live), rules)
            live = replace(live, metrics=candidate.metrics, below_best=below_best)
        history.append(live)
    return history


SMALL_LOSSES = [Decimal("-0.002")] * 26
BY_POINTS = {GateName.WITHIN_TOTAL_BUDGET: Mode.ENFORCE}


def test_twenty_six_small_losses_are_one_large_one_without_a_budget_and_stay_within_it_with_one():
    without, within = (retrained(rules, SMALL_LOSSES) for rules in (policy(), policy(gates=BY_POINTS)))
    assert without[-1].metrics["accuracy"] == Decimal("0.848")
    assert within[-1].metrics["accuracy"] == Decimal("0.88") == Decimal("0.9") - rule().total_drop
    assert (within[-1].below_best, without[-1].below_best) == ({"accuracy": Decimal("0.02")}, {"accuracy": Decimal("0.052")})


@given(st.lists(st.integers(-150, 150), max_size=25))
def test_whatever_is_tried_the_live_model_is_never_further_below_the_best_than_the_budget(steps):
    """Steps in hundredths of a point; about what a retraining moves by chance."""
    best = Decimal("0.9")
    for live in retrained(policy(gates=BY_POINTS), [Decimal(step) / 10_000 for step in steps]):
        best = max(best, live.metrics["accuracy"])
        assert best - live.metrics["accuracy"] == live.below_best.get("accuracy", 0) <= rule().total_drop


def test_a_first_model_and_a_new_best_one_are_the_best():
    assert below_best_after(FIRST, policy()) == {}
    assert below_best_after(case(report(accuracy="0.93"), below("0.018")), policy()) == {}


def test_the_budget_goes_on_to_count_a_metric_that_the_policy_no_longer_names():
    candidate = report(metrics=numbers(accuracy="0.9", f1_macro="0.79"))
    live = baseline(metrics=numbers(accuracy="0.9", f1_macro="0.8"), below_best=numbers(f1_macro="0.005"))
    assert below_best_after(case(candidate, live), policy()) == numbers(f1_macro="0.015")


def test_a_loss_that_is_not_known_changes_nothing():
    assert below_best_after(case(report(), below("0.018", metrics={})), policy()) == numbers(accuracy="0.018")


def test_where_nothing_is_said_the_budget_is_twice_the_tolerance_and_nothing_where_there_is_none():
    assert [str(rule(max_drop=drop).total_drop) for drop in ("0.01", "0", "-0.005", "NaN")] == ["0.02", "0", "0", "0"]
