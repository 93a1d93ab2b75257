"""Classes and slices: what a mean hides."""

from dataclasses import replace
from decimal import Decimal

import pytest

from modelsafeguard.core.comparison import Part, Unmeasured
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Outcome
from tests.unit.core.gates.evidence import (
    FIRST,
    NOT_COMPARED,
    case,
    classes,
    compared,
    findings,
    part,
    policy,
    report,
    rule,
)


@pytest.mark.parametrize(
    ("asked", "outcome", "reason", "sentence"),
    [
        pytest.param(FIRST, Outcome.PASSED, "NoBaseline", "No previous model to compare against", id="no live model"),
        pytest.param(case(), Outcome.NOT_MEASURED, "NotCompared", NOT_COMPARED, id="not compared"),
        pytest.param(case(compared()), Outcome.PASSED, "NoClassLost", "No class was lost", id="none"),
        pytest.param(
            case(compared(classes_lost=classes("freeze_account"))),
            Outcome.REJECTED,
            "ClassLost",
            "The candidate has lost 1 class that the live model knows: freeze_account",
            id="one",
        ),
        pytest.param(
            case(compared(classes_lost=classes("a", "b", count=57))),
            Outcome.REJECTED,
            "ClassLost",
            "The candidate has lost 57 classes that the live model knows: a, b and 55 more",
            id="more than are named",
        ),
        pytest.param(
            case(compared(classes_lost=classes(count=2))),
            Outcome.REJECTED,
            "ClassLost",
            "The candidate has lost 2 classes that the live model knows",
            id="none is named",
        ),
    ],
)
def test_no_class_lost(asked, outcome, reason, sentence):
    assert findings(GateName.NO_CLASS_LOST, asked, policy()) == [(outcome, reason, sentence)]


BANKING = part("banking", 450, 3, 101, "3e-41")
SLIGHTLY = part("travel", 4000, 0, 60, "1e-15")


@pytest.mark.parametrize(
    ("asked", "rules", "outcome", "reason", "sentence"),
    [
        pytest.param(FIRST, policy(), Outcome.PASSED, "NoBaseline", "No previous model to compare against", id="no live model"),
        pytest.param(case(), policy(), Outcome.NOT_MEASURED, "NotCompared", NOT_COMPARED, id="not compared"),
        pytest.param(
            case(compared(slices=(part("travel", 450, 3, 9, "1"),))),
            policy(),
            Outcome.PASSED,
            "NoSliceRegressed",
            "None of 160 slices got worse beyond chance",
            id="worse by chance",
        ),
        pytest.param(
            case(compared("-0.0031", "-0.0100", "0.0036", slices=(BANKING,))),
            policy(),
            Outcome.REJECTED,
            "SliceRegressed",
            "banking slice accuracy -0.2178 [-0.26, -0.18], Holm p 3e-41; overall -0.0031 is within tolerance",
            id="a slice that the mean hides",
        ),
        pytest.param(
            case(compared("-0.05", "-0.06", "-0.04", slices=(BANKING, part("travel", 450, 3, 80, "2e-17")))),
            policy(),
            Outcome.REJECTED,
            "SliceRegressed",
            "banking slice accuracy -0.2178 [-0.26, -0.18], Holm p 3e-41 (and 1 more slice); overall -0.0500",
            id="two of them, and a mean that hides neither",
        ),
        pytest.param(
            case(compared(slices=(part("travel", 450, 3, 20, "0.049"),))),
            policy(rule("f1_macro")),
            Outcome.REJECTED,
            "SliceRegressed",
            "travel slice accuracy -0.0378 [-0.06, -0.02], Holm p 0.049",
            id="the mean is of no interest where the policy does not name accuracy",
        ),
        pytest.param(
            case(compared(slices=(part("travel", 450, 3, 20, "0.05"),))),
            policy(),
            Outcome.PASSED,
            "NoSliceRegressed",
            "None of 160 slices got worse beyond chance",
            id="not quite beyond chance",
        ),
        pytest.param(
            case(compared(slices=(SLIGHTLY, part("banking", 450, 3, 9, "1")))),
            policy(max_slice_drop=Decimal("0.02")),
            Outcome.PASSED,
            "NoSliceRegressed",
            "None of 160 slices got worse beyond chance",
            id="beyond chance, and not surely by more than is tolerated",
        ),
        pytest.param(
            case(compared(slices=(SLIGHTLY,))),
            policy(max_slice_drop=Decimal("0.02")),
            Outcome.NOT_MEASURED,
            "NotMeasured",
            "The report has room for 1 slice of those that got worse, within maxSliceDrop; of the others it is not known",
            id="the same, where the report has no room for the next worse one",
        ),
        pytest.param(
            case(compared(slices=(SLIGHTLY, BANKING))),
            policy(max_slice_drop=Decimal("0.02")),
            Outcome.REJECTED,
            "SliceRegressed",
            "banking slice accuracy -0.2178 [-0.26, -0.18], Holm p 3e-41; overall +0.0000 is within tolerance",
            id="the first that is worse than is tolerated is named",
        ),
        pytest.param(
            case(replace(report(compared(slices_tested=0)), not_measured={Part.SLICES: Unmeasured.COLUMN_UNUSABLE})),
            policy(),
            Outcome.NOT_MEASURED,
            "NotMeasured",
            "No slice was compared: a column of predictions.csv cannot be used for slices",
            id="no slice was compared",
        ),
    ],
)
def test_no_slice_regressed(asked, rules, outcome, reason, sentence):
    assert findings(GateName.NO_SLICE_REGRESSED, asked, rules) == [(outcome, reason, sentence)]
