"""Which gates decide, and the one sentence where another gate decides than the point rule."""

from dataclasses import replace
from decimal import Decimal

import pytest

from modelsafeguard.core.comparison import Part, Unmeasured
from modelsafeguard.core.judge import comparison, judge
from modelsafeguard.core.policy import GateMode, OnInconclusive, Policy, Promotion
from modelsafeguard.core.profiles import ALWAYS_ENFORCED, GateName, Mode, Profile, strictest
from modelsafeguard.core.report import Evidence
from modelsafeguard.core.verdict import Outcome, Verdict
from tests.unit.core.gates.evidence import LIVE, baseline, compared, interval, numbers, policy, report, rule, strict

ENFORCE, WARN, OFF = Mode.ENFORCE, Mode.WARN, Mode.OFF
UNSURE = report(compared("-0.0031", "-0.0128", "0.0066", rows=1000, gained=18, lost=22), accuracy="0.8969")
UNSURE_SENTENCE = "accuracy -0.0031 [-0.0128, +0.0066]: needs about 1,923 holdout rows, has 1,000"
TOO_GOOD = report(compared("0.0878", "0.0796", "0.0962", gained=395, lost=0, p="3e-119"), accuracy="0.9878")
TOO_GOOD_SENTENCE = "accuracy +0.0878 is a larger gain than is believed unseen (maxGain 0.05): let a person look for leaked or missing rows"
BETTER = report(compared("0.0180", "0.0124", "0.0233", gained=113, lost=32, p="9e-12"), accuracy="0.918")


def decided(rules, candidate, live=None):
    judgement = judge(rules, candidate, live or baseline(), decisions=1)
    return judgement.verdict, judgement.reason, judgement.message, judgement.needs_approval


def test_where_nothing_is_said_the_point_rule_decides_and_the_rest_warns():
    assert Policy().profile is Profile.SEED
    enforced = {gate for gate in GateName if Policy().mode(gate) is ENFORCE}
    assert enforced == {GateName.POLICY_COMPLETE, GateName.METRICS_VALID, GateName.METRIC_WITHIN_TOLERANCE}
    assert {Policy().mode(gate) for gate in GateName if gate not in enforced} == {WARN}


def test_strict_enforces_all_that_is_measured_and_shows_the_point_rule_beside_it():
    warns = [gate for gate in GateName if strict().mode(gate) is not ENFORCE]
    assert (warns, strict().mode(warns[0])) == ([GateName.METRIC_WITHIN_TOLERANCE], WARN)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("gate", GateName)
def test_the_owner_sets_each_gate_but_those_that_nothing_can_do_without(gate, mode):
    set_by_owner = policy(gates={gate: mode})
    assert set_by_owner.mode(gate) is (ENFORCE if gate in ALWAYS_ENFORCED else mode)


def test_of_two_modes_for_one_gate_the_stricter_counts():
    twice = replace(policy(), gates=(GateMode(GateName.NO_LEAKAGE, OFF), GateMode(GateName.NO_LEAKAGE, ENFORCE)))
    assert twice.mode(GateName.NO_LEAKAGE) is strictest(OFF, ENFORCE) is ENFORCE


def test_a_finding_says_whether_it_decides():
    modes = {finding.gate: finding.mode for finding in judge(policy(gates={GateName.NO_LEAKAGE: OFF}), BETTER, baseline()).findings}
    assert (modes["MetricWithinTolerance"], modes["NonInferior"]) == (ENFORCE, WARN)
    assert "NoLeakage" not in modes


@pytest.mark.parametrize(
    ("rules", "candidate", "verdict", "reason", "sentence"),
    [
        pytest.param(strict(), BETTER, None, "PerformanceImproved", "Performance improved: accuracy +0.0180", id="passed, in seed's words"),
        pytest.param(strict(), UNSURE, Verdict.INCONCLUSIVE, "NotEnoughEvidence", UNSURE_SENTENCE, id="too little evidence"),
        pytest.param(
            strict(),
            report(compared(gained=0, lost=0)),
            Verdict.UNCHANGED,
            "NothingChanged",
            "The candidate answers all 4,500 holdout rows as the live model does",
            id="nothing changed",
        ),
        pytest.param(
            strict(rule(), rule("f1_macro"), min_holdout_rows=5000),
            report(
                compared(metrics={name: interval("-0.03", "-0.04", "-0.02") for name in ("accuracy", "f1_macro")}),
                metrics=numbers(accuracy="0.87", f1_macro="0.87"),
            ),
            Verdict.REJECTED,
            "PerformanceDegraded",
            "accuracy -0.0300 [-0.0400, -0.0200] is a larger drop than the policy accepts (maxDrop 0.01); "
            "F1 -0.0300 [-0.0400, -0.0200] is a larger drop than the policy accepts (maxDrop 0.01); also WithinTotalBudget",
            id="the first that rejects, others by name, and nothing that is less bad",
        ),
        pytest.param(
            policy(rule(min_value="0.95"), gates={GateName.METRIC_FLOOR: ENFORCE}),
            report(accuracy="0.85"),
            Verdict.REJECTED,
            "PerformanceDegraded",
            "Performance degraded: accuracy -0.0500; also MetricFloor",
            id="the point rule first, in its own words",
        ),
    ],
)
def test_the_sentence_is_that_of_the_gates_that_decide(rules, candidate, verdict, reason, sentence):
    assert decided(rules, candidate) == (verdict, reason, sentence, False)


def test_under_strict_what_was_not_measured_is_inconclusive():
    blind = report(
        holdout_digest="",
        holdout_rows=0,
        leakage=None,
        not_measured=dict.fromkeys((Part.COMPARISON, Part.LEAKAGE), Unmeasured.NO_PREDICTIONS),
    )
    verdict, reason, sentence, _ = decided(strict(), blind, baseline(holdout_digest=""))
    assert (verdict, reason) == (Verdict.INCONCLUSIVE, "HoldoutUnknown")
    assert sentence == (
        "It is not known on which holdout the candidate was measured: let the trainer write predictions.csv with a live_predicted column; "
        "also HoldoutLargeEnough, NonInferior, NoClassLost, NoSliceRegressed, NoLeakage, NegativeFlipsBounded, HoldoutNotWornOut"
    )
    assert decided(policy(), blind, baseline(holdout_digest=""))[0] is None


def test_recorded_numbers_alone_convince_seed_and_not_strict():
    recorded = report(accuracy="0.91", leakage=None)
    assert [decided(rules, recorded)[0] for rules in (policy(), strict())] == [None, Verdict.INCONCLUSIVE]


def test_a_comparison_counts_for_strict_whichever_numbers_the_point_rule_takes():
    """The recorded numbers say -0.03, on the same holdout; row by row it is better."""
    live = baseline("0.948")
    judgement = judge(strict(), BETTER, live, decisions=1)
    assert (judgement.verdict, judgement.message) == (None, "Performance improved: accuracy +0.0180")
    point = next(finding for finding in judgement.findings if finding.gate == GateName.METRIC_WITHIN_TOLERANCE)
    assert (point.outcome, point.mode, point.numbers["evidence"]) == (Outcome.REJECTED, WARN, Evidence.ANNOTATED)
    assert decided(policy(), BETTER, live)[0] is Verdict.REJECTED


def test_what_a_candidate_was_compared_with_says_so_where_it_was_row_by_row():
    assert comparison(BETTER, baseline()).endswith("on the same 4,500 rows, and row by row")
    assert comparison(report(), baseline()).endswith("on the same 4,500 rows")


def test_where_an_owner_enforces_no_tolerance_the_sentence_says_so():
    watching = policy(gates={GateName.METRIC_WITHIN_TOLERANCE: WARN})
    assert decided(watching, report(accuracy="0.8"))[:3] == (
        None,
        "ToleranceNotEnforced",
        "Accepted, because the policy enforces no tolerance: accuracy -0.1000",
    )
    nothing = "Accepted, because the policy enforces no tolerance: nothing could be compared"
    assert decided(watching, report(), baseline(metrics={}))[2] == nothing


@pytest.mark.parametrize(
    ("candidate", "on_inconclusive", "reason", "sentence", "verdict"),
    [
        pytest.param(TOO_GOOD, OnInconclusive.FINISH, "GainNotBelievable", TOO_GOOD_SENTENCE, None, id="a gain that is too good"),
        pytest.param(UNSURE, OnInconclusive.AWAIT_APPROVAL, "NotEnoughEvidence", UNSURE_SENTENCE, None, id="too little evidence"),
        pytest.param(
            UNSURE, OnInconclusive.FINISH, "NotEnoughEvidence", UNSURE_SENTENCE, Verdict.INCONCLUSIVE, id="too little evidence, by default"
        ),
    ],
)
def test_what_the_gates_leave_to_a_person(candidate, on_inconclusive, reason, sentence, verdict):
    rules = strict(on_inconclusive=on_inconclusive)
    assert decided(rules, candidate) == (verdict, reason, sentence, verdict is None)
    dry = decided(replace(rules, promotion=Promotion.DRY_RUN), candidate)
    fate = "been Inconclusive" if verdict else "waited for a person"
    assert dry == (Verdict.DRY_RUN, reason, f"Would have {fate}: {sentence}", False)


def test_nothing_worse_is_left_to_a_person():
    leaked = replace(TOO_GOOD, leakage=replace(TOO_GOOD.leakage, leaked=4500))
    assert decided(strict(), leaked)[0] is Verdict.INCONCLUSIVE
    rejected = strict(on_inconclusive=OnInconclusive.AWAIT_APPROVAL, max_negative_flips=Decimal("0.001"))
    assert decided(rejected, UNSURE)[0] is Verdict.REJECTED
    assert decided(rejected, report(compared(gained=0, lost=0)))[0] is Verdict.UNCHANGED


def test_a_first_model_needs_no_baseline_under_strict_and_a_holdout_that_it_does_not_know():
    first = judge(strict(), report(), None, decisions=1)
    assert (first.verdict, first.message) == (None, "No previous model to compare against")
    assert judge(strict(), report(leakage=None), None, decisions=1).verdict is Verdict.INCONCLUSIVE
    assert judge(strict(rule(min_value="0.95")), report(), None, decisions=1).verdict is Verdict.REJECTED


def test_a_model_that_is_live_already_is_unchanged_whatever_else_is_not_known():
    same = report(model_digest=baseline().model_digest, leakage=None)
    assert decided(strict(), same)[:3] == (
        Verdict.UNCHANGED,
        "NothingChanged",
        "The candidate is the live model once more: their model digests are equal",
    )
    assert same.live_version != LIVE, "nothing was compared"
