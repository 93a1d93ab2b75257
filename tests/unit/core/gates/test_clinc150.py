"""Ten retrainings on CLINC150 that were measured, with the right verdict of each; and what the point rule alone says beside it.

By hand from what was counted on 4,500 paired rows, domains and labels being the slices.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from modelsafeguard.core.comparison import Leakage
from modelsafeguard.core.judge import judge
from modelsafeguard.core.verdict import Verdict
from tests.unit.core.gates.evidence import ROWS, baseline, classes, compared, part, policy, report, strict

REAL_LEAK = 19  # rows of the holdout that are in the training data as it was published


def case(live, accuracy, comparison, leaked=REAL_LEAK):
    return baseline(live), replace(report(comparison, accuracy=accuracy, live=live), leakage=Leakage(ROWS, leaked, REAL_LEAK))


WORST_CLASS = part("whisper_mode", 30, 0, 4, "1")
NEITHER_RIGHT = (part("timer", 30, 0, 29, "6e-7"), part("alarm", 30, 0, 28, "1.2e-6"))
MORE_DATA = case(
    "0.8911", "0.9113", compared("0.0202", "0.0140", "0.0260", gained=139, lost=48, p="2e-11", changed=301, slices=(WORST_CLASS,))
)
OTHER_SEED = case("0.9084", "0.9087", compared("0.0002", "-0.0004", "0.0011", gained=2, lost=1, p="1", changed=4))
NOISE_5 = case("0.9113", "0.9038", compared("-0.0076", "-0.0116", "-0.0036", gained=24, lost=58, p="2e-4"))
NOISE_10 = case("0.9113", "0.8918", compared("-0.0196", "-0.0245", "-0.0147", gained=20, lost=108, p="1e-15"))
NOISE_20 = case("0.9113", "0.8642", compared("-0.0471", "-0.0540", "-0.0402", gained=24, lost=236, p="1e-44"))
NOISE_40 = case("0.9113", "0.8096", compared("-0.1018", "-0.1115", "-0.0920", gained=42, lost=500, p="1e-99"))
ONE_INTENT_LOST = case(
    "0.9113",
    "0.9047",
    compared(
        *("-0.0067", "-0.0096", "-0.0042"),
        gained=4,
        lost=34,
        p="6e-7",
        classes_lost=classes("freeze_account"),
        slices=(part("freeze_account", 30, 0, 27, "2.4e-6"),),
    ),
)
BANKING_MISLABELLED = case(
    "0.8911",
    "0.8880",
    compared("-0.0031", "-0.0100", "0.0036", gained=128, lost=142, p="0.43", slices=(part("banking", 450, 2, 100, "3e-41"),)),
)
LABELS_SWAPPED = case(
    "0.8911",
    "0.8993",
    compared(
        *("0.0082", "0.0018", "0.0144"), gained=137, lost=100, p="0.019", classes_lost=classes("alarm", "timer"), slices=NEITHER_RIGHT
    ),
)
HOLDOUT_LEAKED = case("0.9113", "0.9991", compared("0.0878", "0.0796", "0.0962", gained=395, lost=0, p="3e-119"), leaked=ROWS)
TOO_LITTLE_DATA = case("0.9113", "0.8147", compared("-0.0967", "-0.1060", "-0.0873", gained=40, lost=475, p="1e-86"))
CHARACTERS_TOO = case("0.9113", "0.9293", compared("0.0180", "0.0124", "0.0233", gained=113, lost=32, p="9e-12"))

PROMOTED, REJECTED, INCONCLUSIVE = Verdict.PROMOTED, Verdict.REJECTED, Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("measured", "under_strict", "why", "under_seed"),
    [
        pytest.param(MORE_DATA, PROMOTED, "PerformanceImproved", PROMOTED, id="A, more data"),
        pytest.param(OTHER_SEED, PROMOTED, "PerformanceImproved", PROMOTED, id="B, same data and another seed"),
        pytest.param(NOISE_5, REJECTED, "WorseBeyondChance", PROMOTED, id="C, 5 % of the labels wrong"),
        pytest.param(NOISE_10, REJECTED, "PerformanceDegraded", REJECTED, id="C, 10 % of the labels wrong"),
        pytest.param(NOISE_20, REJECTED, "PerformanceDegraded", REJECTED, id="C, 20 % of the labels wrong"),
        pytest.param(NOISE_40, REJECTED, "PerformanceDegraded", REJECTED, id="C, 40 % of the labels wrong"),
        pytest.param(ONE_INTENT_LOST, REJECTED, "ClassLost", PROMOTED, id="D, one intent's rows lost"),
        pytest.param(BANKING_MISLABELLED, REJECTED, "SliceRegressed", PROMOTED, id="E, one domain mislabelled"),
        pytest.param(LABELS_SWAPPED, REJECTED, "ClassLost", PROMOTED, id="F, two labels swapped, more data"),
        pytest.param(HOLDOUT_LEAKED, INCONCLUSIVE, "Leakage", PROMOTED, id="G, the holdout leaked"),
        pytest.param(TOO_LITTLE_DATA, REJECTED, "PerformanceDegraded", REJECTED, id="H, 25 rows a class"),
        pytest.param(CHARACTERS_TOO, PROMOTED, "PerformanceImproved", PROMOTED, id="I, better features"),
    ],
)
def test_the_verdict_is_right_under_strict_and_seed_stands_beside_it(measured, under_strict, why, under_seed):
    live, candidate = measured
    judgement = judge(strict(), candidate, live, decisions=1)
    assert (judgement.verdict or PROMOTED, judgement.reason) == (under_strict, why)
    assert not judgement.needs_approval
    assert (judge(policy(), candidate, live, decisions=1).verdict or PROMOTED) is under_seed


@pytest.mark.parametrize(
    ("measured", "sentence"),
    [
        pytest.param(
            BANKING_MISLABELLED,
            "banking slice accuracy -0.2178 [-0.26, -0.18], Holm p 3e-41; overall -0.0031 is within tolerance",
            id="E",
        ),
        pytest.param(
            ONE_INTENT_LOST,
            "The candidate has lost 1 class that the live model knows: freeze_account; also NoSliceRegressed",
            id="D",
        ),
        pytest.param(
            HOLDOUT_LEAKED,
            "4,500 of 4,500 holdout rows were trained on (19 by the live model), more than maxLeakage 0.01 allows: "
            "the numbers cannot be believed",
            id="G",
        ),
    ],
)
def test_the_verdicts_one_sentence_has_the_numbers(measured, sentence):
    live, candidate = measured
    assert judge(strict(), candidate, live, decisions=1).message == sentence


def test_what_seed_passes_it_warns_of():
    live, candidate = HOLDOUT_LEAKED
    warnings = [each.gate for each in judge(policy(), candidate, live, decisions=1).findings if each.outcome is not each.outcome.PASSED]
    assert warnings == ["GainBelievable", "NoLeakage"]


def test_a_retraining_that_loses_a_little_is_told_apart_from_a_large_one_by_its_interval_alone():
    """The point rule cannot: both are inside its tolerance."""
    live, candidate = NOISE_5
    judgement = judge(strict(), candidate, live, decisions=1)
    assert judgement.deltas["accuracy"] >= Decimal("-0.01")
    assert judgement.message == (
        "accuracy -0.0076 [-0.0116, -0.0036] is worse beyond chance, and not shown to be within the tolerance 0.01: "
        "58 rows lost, 24 gained (McNemar p 0.0002)"
    )
