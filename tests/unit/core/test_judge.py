"""The decision table and sentences, and the properties that keep the judge closed."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.core.judge import comparison, judge
from modelsafeguard.core.policy import MetricRule, Policy, Promotion
from modelsafeguard.core.report import Baseline, Evidence, Report
from modelsafeguard.core.verdict import Reason, Verdict

HOLDOUT, OTHER_HOLDOUT = (f"sha256:{digit * 64}" for digit in "ab")


def rules(promotion=Promotion.AUTOMATIC, **drops):
    return Policy(tuple(MetricRule(name, Decimal(drop)) for name, drop in drops.items()), promotion)


def numbers(**values):
    return {name: Decimal(value) for name, value in values.items()}


def candidate(*, holdout="", **values):
    return Report("v-2", "sha256:" + "0" * 64, "", numbers(**values), "2025-08-20T14:30:00", holdout, 1000 if holdout else 0)


def live(*, holdout="", **values):
    return Baseline("v-1", numbers(**values), holdout)


DEFAULT = rules(accuracy="0.01", f1_macro="0.01")
OLD = live(accuracy="0.8042", f1_macro="0.7834")


@pytest.mark.parametrize(
    ("accuracy", "f1", "verdict", "reason", "sentence"),
    [
        pytest.param("0.8542", "0.8234", None, Reason.PERFORMANCE_IMPROVED, "Performance improved: accuracy +0.0500, F1 +0.0400",
                     id="an improved model is deployed"),
        pytest.param("0.7992", "0.7804", None, Reason.PERFORMANCE_MAINTAINED, "Performance maintained within tolerance",
                     id="a slight degradation is deployed"),
        pytest.param("0.7542", "0.7034", Verdict.REJECTED, Reason.PERFORMANCE_DEGRADED,
                     "Performance degraded: accuracy -0.0500, F1 -0.0800", id="a degraded model is rejected"),
        pytest.param("0.7342", "0.7134", Verdict.REJECTED, Reason.PERFORMANCE_DEGRADED,
                     "Performance degraded: accuracy -0.0700, F1 -0.0700", id="another degraded model is rejected"),
        pytest.param("0.8042", "0.7834", None, Reason.PERFORMANCE_MAINTAINED, "Performance maintained within tolerance",
                     id="no change at all is maintained"),
        pytest.param("0.8542", "0.7834", None, Reason.PERFORMANCE_IMPROVED, "Performance improved: accuracy +0.0500, F1 +0.0000",
                     id="one up and none down is improved"),
        pytest.param("0.8542", "0.7804", None, Reason.PERFORMANCE_MAINTAINED, "Performance maintained within tolerance",
                     id="one up and one slightly down is maintained"),
        pytest.param("0.7942", "0.7734", None, Reason.PERFORMANCE_MAINTAINED, "Performance maintained within tolerance",
                     id="a drop of exactly the tolerance passes"),
        pytest.param("0.8542", "0.7733", Verdict.REJECTED, Reason.PERFORMANCE_DEGRADED,
                     "Performance degraded: accuracy +0.0500, F1 -0.0101", id="both must pass: a gain does not pay for a loss"),
        pytest.param("0.79416", "0.7834", Verdict.REJECTED, Reason.PERFORMANCE_DEGRADED,
                     "Performance degraded: accuracy -0.01004, F1 +0.0000", id="what is shown never contradicts a rejection"),
        pytest.param("0.804200001", "0.7834", None, Reason.PERFORMANCE_IMPROVED, "Performance improved: accuracy +0.000000001, F1 +0.0000",
                     id="a change that is not zero is not shown as zero"),
    ],
)  # fmt: skip
def test_the_decision_table(accuracy, f1, verdict, reason, sentence):
    judgement = judge(DEFAULT, candidate(accuracy=accuracy, f1_macro=f1), OLD)

    assert (judgement.verdict, judgement.reason, judgement.message) == (verdict, reason, sentence)
    assert judgement.deltas == {"accuracy": Decimal(accuracy) - Decimal("0.8042"), "f1_macro": Decimal(f1) - Decimal("0.7834")}


def test_without_a_previous_model_the_candidate_passes_under_a_reason_of_its_own():
    judgement = judge(DEFAULT, candidate(accuracy="0.5", f1_macro="0.4"), None)

    assert judgement.verdict is None
    assert judgement.reason == Reason.NO_BASELINE == "NoBaseline"
    assert judgement.message == "No previous model to compare against"
    assert judgement.deltas == {}


@pytest.mark.parametrize("hundredths", range(2, 100))
def test_an_exact_drop_of_one_hundredth_passes_a_tolerance_of_one_hundredth(hundredths):
    before, after = Decimal(hundredths) / 100, Decimal(hundredths - 1) / 100

    judgement = judge(rules(accuracy="0.01"), candidate(accuracy=after), live(accuracy=before))

    assert judgement.verdict is None
    assert judgement.deltas == {"accuracy": Decimal("-0.01")}


@pytest.mark.parametrize(
    ("drop", "before", "after", "passes"),
    [
        pytest.param("0", "0.9", "0.9", True, id="tolerance 0 accepts an equal model"),
        pytest.param("0", "0.9", "0.8999999999", False, id="tolerance 0 accepts no loss"),
        pytest.param("-0.01", "0.9", "0.91", True, id="a required gain that is reached exactly passes"),
        pytest.param("-0.01", "0.9", "0.9099999999", False, id="a required gain that is missed by a hair is rejected"),
    ],
)
def test_thresholds_of_zero_and_required_gains(drop, before, after, passes):
    assert (judge(rules(accuracy=drop), candidate(accuracy=after), live(accuracy=before)).verdict is None) is passes


def test_a_gain_that_is_too_small_is_not_called_degraded():
    policy = rules(accuracy="-0.01", f1_macro="0.01")
    judgement = judge(policy, candidate(accuracy="0.905", f1_macro="0.84"), live(accuracy="0.9", f1_macro="0.8"))

    assert (judgement.verdict, judgement.reason) == (Verdict.REJECTED, Reason.GAIN_TOO_SMALL)
    assert judgement.message == "Performance did not improve enough: accuracy +0.0050 (required +0.01), F1 +0.0400"


def test_the_sentence_names_all_metrics_in_the_policys_order_by_their_own_names():
    policy = rules(recall_at_5="0", f1_macro="0.01", accuracy="0.01", f1_weighted="0.02")
    before = live(recall_at_5="0.5", f1_macro="0.8", accuracy="0.9", f1_weighted="0.85")
    after = candidate(recall_at_5="0.51", f1_macro="0.82", accuracy="0.93", f1_weighted="0.89")

    assert judge(policy, after, before).message == (
        "Performance improved: recall_at_5 +0.0100, F1 +0.0200, accuracy +0.0300, f1_weighted +0.0400"
    )


NOT_A_NUMBER = ["NaN", "-NaN", "sNaN", "Infinity", "-Infinity"]
ILLEGAL = [*NOT_A_NUMBER, "1.2", "-0.1", "1E+999999", "1E+99999999999"]


@pytest.mark.parametrize("value", ILLEGAL)
@pytest.mark.parametrize("has_baseline", [True, False], ids=["with a baseline", "without a baseline"])
def test_a_candidates_illegal_number_fails_and_is_named(value, has_baseline):
    judgement = judge(DEFAULT, candidate(accuracy=value, f1_macro="0.99"), OLD if has_baseline else None)

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, Reason.METRIC_INVALID)
    assert judgement.message.startswith("The candidate's accuracy is ")


@pytest.mark.parametrize("value", ILLEGAL)
def test_a_baselines_illegal_number_fails(value):
    judgement = judge(DEFAULT, candidate(accuracy="0.9", f1_macro="0.9"), live(accuracy=value, f1_macro="0.1"))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, Reason.BASELINE_INVALID)


def test_a_metric_that_the_candidate_lacks_fails_with_the_sentence_that_says_so():
    judgement = judge(DEFAULT, candidate(accuracy="0.99"), OLD)

    assert judgement.verdict is Verdict.FAILED
    assert judgement.message == "The candidate has no f1_macro, which the policy asks for: let the trainer write it to metrics.json"


def test_a_metric_that_the_baseline_lacks_is_inconclusive():
    judgement = judge(DEFAULT, candidate(accuracy="0.99", f1_macro="0.99"), live(accuracy="0.9"))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, Reason.BASELINE_LACKS_METRIC)
    assert "v-1 has no recorded f1_macro" in judgement.message


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(rules(), id="no metric at all"),
        pytest.param(rules(accuracy="NaN"), id="a tolerance that is NaN"),
        pytest.param(rules(accuracy="Infinity"), id="an infinite tolerance"),
        pytest.param(rules(accuracy="5"), id="percentage points taken for a fraction"),
        pytest.param(Policy((MetricRule("accuracy", Decimal("0.01")), MetricRule("accuracy", Decimal(1)))), id="one metric twice"),
        pytest.param(rules(**{"a b": "0.1"}), id="a name that no metric can have"),
    ],
)
def test_an_incomplete_policy_lets_nothing_through(policy):
    better = candidate(accuracy="0.99", f1_macro="0.99", **{"a b": "1"})
    for baseline in (None, live(accuracy="0.5", f1_macro="0.5", **{"a b": "0.5"})):
        judgement = judge(policy, better, baseline)
        assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, Reason.POLICY_INVALID)


def rescored(evidence=Evidence.RESCORED, version="v-1", **values):
    report = candidate(accuracy="0.90", f1_macro="0.90", holdout=HOLDOUT)
    return replace(report, live_version=version, live_metrics=numbers(**values), live_evidence=evidence)


@pytest.mark.parametrize(
    ("recorded_on", "report", "evidence", "delta"),
    [
        pytest.param(HOLDOUT, rescored(accuracy="0.80", f1_macro="0.80"), "Annotated", "0.05", id="same holdout: the recorded numbers"),
        pytest.param(
            "", rescored(accuracy="0.80", f1_macro="0.80"), "Annotated", "0.05", id="recorded holdout unknown: the recorded numbers"
        ),
        pytest.param(
            OTHER_HOLDOUT, rescored(accuracy="0.80", f1_macro="0.80"), "Rescored", "0.10", id="another holdout: the rescored ones"
        ),
        pytest.param(OTHER_HOLDOUT, rescored(Evidence.PAIRED, accuracy="0.7", f1_macro="0.7"), "Paired", "0.2", id="or the paired ones"),
    ],
)
def test_which_baseline_counts(recorded_on, report, evidence, delta):
    judgement = judge(DEFAULT, report, live(accuracy="0.85", f1_macro="0.85", holdout=recorded_on))

    used = {finding.numbers["evidence"] for finding in judgement.findings if finding.gate == "MetricWithinTolerance"}
    assert (used, judgement.deltas["accuracy"]) == ({evidence}, Decimal(delta))


@pytest.mark.parametrize(
    ("report", "baseline", "sentence"),
    [
        pytest.param(candidate(accuracy="0.9"), None, "there was no previous model to compare with", id="no previous model"),
        pytest.param(
            candidate(accuracy="0.9", holdout=HOLDOUT),
            live(accuracy="0.8", holdout=HOLDOUT),
            "compared with version v-1 by its annotations, measured on the same 1,000 rows",
            id="the recorded numbers, of the same holdout",
        ),
        pytest.param(
            candidate(accuracy="0.9", holdout=HOLDOUT),
            live(accuracy="0.8"),
            "compared with version v-1 by its annotations, measured on a holdout that is not known",
            id="the recorded numbers, and nobody knows of which holdout",
        ),
        pytest.param(
            rescored(Evidence.PAIRED, accuracy="0.8"),
            live(accuracy="0.8", holdout=OTHER_HOLDOUT),
            "compared with version v-1 by its stored predictions on the same 1,000 rows",
            id="the paired ones",
        ),
        pytest.param(
            rescored(Evidence.RESCORED, accuracy="0.8"),
            live(accuracy="0.8", holdout=OTHER_HOLDOUT),
            "compared with version v-1 by the trainer's live_predicted on the same 1,000 rows",
            id="the rescored ones",
        ),
        pytest.param(
            candidate(accuracy="0.9", holdout=HOLDOUT),
            live(accuracy="0.8", holdout=OTHER_HOLDOUT),
            "not compared with version v-1: no numbers of it are of the candidate's holdout",
            id="none that may be compared",
        ),
    ],
)
def test_what_a_candidate_was_compared_with_is_a_sentence_of_its_own(report, baseline, sentence):
    assert comparison(report, baseline) == sentence


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(candidate(accuracy="0.9", f1_macro="0.9", holdout=HOLDOUT), id="another holdout and nothing rescored"),
        pytest.param(candidate(accuracy="0.9", f1_macro="0.9"), id="the candidate's holdout is not known"),
        pytest.param(rescored(version="v-0", accuracy="0.1", f1_macro="0.1"), id="rescored with a version that is not live any more"),
    ],
)
def test_numbers_from_different_holdouts_are_never_compared(report):
    judgement = judge(DEFAULT, report, live(accuracy="0.1", f1_macro="0.1", holdout=OTHER_HOLDOUT))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, Reason.BASELINE_NOT_COMPARABLE)
    assert "let the trainer write predictions.csv with a live_predicted column" in judgement.message
    assert judgement.deltas == {}


@pytest.mark.parametrize(
    ("accuracy", "verdict", "sentence"),
    [
        pytest.param("0.95", Verdict.DRY_RUN, "Would have been Promoted: Performance improved: accuracy +0.0500", id="passed"),
        pytest.param("0.85", Verdict.DRY_RUN, "Would have been Rejected: Performance degraded: accuracy -0.0500", id="rejected"),
        pytest.param("NaN", Verdict.FAILED, "The candidate's accuracy is NaN, which is not a finite number", id="broken stays Failed"),
    ],
)
def test_a_dry_run_says_what_would_have_happened(accuracy, verdict, sentence):
    judgement = judge(rules(Promotion.DRY_RUN, accuracy="0.01"), candidate(accuracy=accuracy), live(accuracy="0.9"))

    assert (judgement.verdict, judgement.message) == (verdict, sentence)


def test_manual_promotion_is_judged_like_automatic():
    manual = replace(DEFAULT, promotion=Promotion.MANUAL)
    report = candidate(accuracy="0.9", f1_macro="0.9")

    assert judge(manual, report, OLD) == judge(DEFAULT, report, OLD)


fractions = st.decimals(0, 1, places=4)
drops = st.decimals("-0.2", "0.2", places=4)
broken = st.sampled_from([Decimal(text) for text in NOT_A_NUMBER])


def rank(judgement):
    return [Verdict.FAILED, Verdict.REJECTED, Verdict.INCONCLUSIVE, None].index(judgement.verdict)


pairs = st.fixed_dictionaries({"accuracy": fractions, "f1_macro": fractions})


@given(
    st.fixed_dictionaries({"candidate": pairs, "live": pairs}),
    st.fixed_dictionaries({"accuracy": drops, "f1_macro": drops}),
    broken,
    st.tuples(st.sampled_from(["candidate", "live"]), st.sampled_from(["accuracy", "f1_macro"])),
)
def test_more_nan_never_helps(sides, max_drops, nan, where):
    def verdict():
        return judge(rules(**max_drops), candidate(**sides["candidate"]), live(**sides["live"]))

    before = verdict()
    side, metric = where
    sides[side][metric] = nan
    after = verdict()

    assert after.verdict is not None
    assert rank(after) <= rank(before)


@given(fractions, fractions, drops, drops)
def test_tightening_a_policy_never_promotes_more(new, old, one, other):
    loose, tight = max(one, other), min(one, other)
    report, baseline = candidate(accuracy=new), live(accuracy=old)

    if judge(rules(accuracy=tight), report, baseline).verdict is None:
        assert judge(rules(accuracy=loose), report, baseline).verdict is None
    assert judge(rules(accuracy=loose, f1_macro="1"), report, baseline).verdict is not None, "a metric nobody has never passes"


@given(fractions, fractions, fractions, fractions)
def test_swapping_the_models_mirrors_the_deltas(new_accuracy, new_f1, old_accuracy, old_f1):
    there = judge(DEFAULT, candidate(accuracy=new_accuracy, f1_macro=new_f1), live(accuracy=old_accuracy, f1_macro=old_f1))
    back = judge(DEFAULT, candidate(accuracy=old_accuracy, f1_macro=old_f1), live(accuracy=new_accuracy, f1_macro=new_f1))

    assert there.deltas == {name: -delta for name, delta in back.deltas.items()}


@given(st.decimals(0, 1, places=9), st.decimals(0, 1, places=9), drops)
def test_the_decision_is_the_seeds_inequality_in_exact_decimals(new, old, drop):
    assert (judge(rules(accuracy=drop), candidate(accuracy=new), live(accuracy=old)).verdict is None) is (new - old >= -drop)


@given(st.decimals(0, 1, places=9), st.decimals(0, 1, places=9), drops)
def test_the_numbers_in_the_sentence_lead_to_the_same_decision(new, old, drop):
    judgement = judge(rules(accuracy=drop), candidate(accuracy=new), live(accuracy=old))
    if "accuracy" in judgement.message:
        shown = Decimal(judgement.message.split("accuracy ")[1].split()[0])
        assert (shown >= -drop) is (judgement.verdict is None)
        assert (shown == 0) is (new == old)
