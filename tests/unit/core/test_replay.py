"""Past candidates judged once more: by the policy that they had, and by another one."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from modelsafeguard.core.comparison import Leakage
from modelsafeguard.core.errors import ReportInvalidError
from modelsafeguard.core.judge import judge
from modelsafeguard.core.model import VersionRecord
from modelsafeguard.core.policy import Promotion
from modelsafeguard.core.profiles import GateName, Mode
from modelsafeguard.core.replay import Judged, judged_from_text, judged_to_text, replay
from modelsafeguard.core.verdict import Verdict
from tests.unit.core.gates.evidence import CANDIDATE, baseline, compared, policy, report, rule, strict

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOME_WORSE = Judged(
    report(compared("-0.005", "-0.009", "-0.001", rows=4000, gained=12, lost=32), accuracy="0.895", leakage=Leakage(4000, 19, 19)),
    baseline(),
    3,
)


def record(judged, verdict=Verdict.PROMOTED):
    text = judged if isinstance(judged, str) else judged_to_text(judged)
    return VersionRecord(CANDIDATE, "nightly", "uid", verdict, "Why", "why", NOW, judged=text)


@pytest.mark.parametrize(
    "judged",
    [
        pytest.param(SOME_WORSE, id="compared row by row"),
        pytest.param(Judged(report(accuracy="0.91"), baseline(), 1), id="two numbers"),
        pytest.param(Judged(report(accuracy="0.91"), replace(baseline(), below_best={"accuracy": Decimal("0.019")})), id="near the budget"),
        pytest.param(Judged(report(holdout_digest="", holdout_rows=0, leakage=None), baseline()), id="no predictions"),
        pytest.param(Judged(report(), None, 51), id="the first model, on a holdout that is worn out"),
    ],
)
def test_what_is_kept_of_a_judgement_gives_the_same_judgement_again(judged):
    kept = judged_from_text(judged_to_text(judged), version=CANDIDATE)
    for rules in (policy(), strict(), strict(rule(max_drop="0.004"))):
        assert judge(rules, kept.report, kept.baseline, kept.decisions) == judge(rules, judged.report, judged.baseline, judged.decisions)


def test_what_is_kept_is_one_line_of_ascii():
    text = judged_to_text(Judged(report(compared()), replace(baseline(), below_best={"accuracy": Decimal("0.005")}), 7))
    assert text.isascii()
    assert text.isprintable()


@pytest.mark.parametrize(
    ("rules", "verdict", "would_be", "differs"),
    [
        pytest.param(policy(), "Promoted", True, False, id="the same policy"),
        pytest.param(policy(rule(max_drop="0.001")), "Rejected", False, True, id="a smaller tolerance"),
        pytest.param(policy(promotion=Promotion.DRY_RUN), "Promoted", True, False, id="only what follows the verdict is another"),
        pytest.param(
            policy(rule(max_gain="0"), gates={GateName.METRIC_WITHIN_TOLERANCE: Mode.WARN, GateName.NON_INFERIOR: Mode.ENFORCE}),
            "Promoted",
            True,
            False,
            id="another gate that finds the same",
        ),
        pytest.param(policy(rule(min_value="0.9"), gates={GateName.METRIC_FLOOR: Mode.ENFORCE}), "Rejected", False, True, id="a floor"),
    ],
)
def test_a_past_candidate_has_the_verdict_that_another_policy_would_have_given_it(rules, verdict, would_be, differs):
    (replayed,) = replay([record(SOME_WORSE)], rules)
    assert (replayed.verdict, replayed.accepted, replayed.would_be, replayed.differs) == (verdict, True, would_be, differs)


def test_a_candidate_that_was_rolled_back_had_been_accepted():
    (replayed,) = replay([record(SOME_WORSE, Verdict.ROLLED_BACK)], policy())
    assert not replayed.differs


def test_one_that_a_person_would_have_been_asked_about_is_another_decision():
    better = Judged(report(accuracy="0.99"), baseline(), 1)
    (replayed,) = replay([record(better)], policy(gates={GateName.GAIN_BELIEVABLE: Mode.ENFORCE}))
    assert (replayed.verdict, replayed.would_be, replayed.differs) == ("AwaitingApproval", None, True)


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        pytest.param("", "It is not recorded what it was judged on", id="nothing"),
        pytest.param("{", "The record of nightly-2 is not a JSON object", id="half of it"),
        pytest.param("[" * 100_000, "The record of nightly-2 is not a JSON object", id="brackets without end"),
        pytest.param('{"report":{}}', "The report's version is missing or not of the right form", id="an empty report"),
        pytest.param(
            json.dumps({**json.loads(judged_to_text(SOME_WORSE)), "extra": 1}), "The record of nightly-2 has unknown fields", id="more"
        ),
    ],
)
def test_what_cannot_be_read_is_unknown_and_counts_as_no_other_decision(kept, sentence):
    (replayed,) = replay([record(kept)], policy())
    assert (replayed.verdict, replayed.differs) == ("", False)
    assert replayed.message.startswith(sentence)


def test_a_record_of_another_version_is_refused():
    with pytest.raises(ReportInvalidError, match="is about version nightly-2, but nightly-3 was asked for"):
        judged_from_text(judged_to_text(SOME_WORSE), version="nightly-3")
