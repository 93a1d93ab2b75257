"""What the story claims of a request's end, and that it notices when that is not so."""

from decimal import Decimal

import pytest

from hack.demo.errors import NotSo
from hack.demo.world import annotations, deltas, expect_sentence, expect_verdict, is_true


def ended(verdict: str, *, succeeded: bool) -> dict:
    condition = {"type": "Succeeded", "status": "True" if succeeded else "False"}
    return {"metadata": {"name": "r"}, "status": {"verdict": verdict, "message": "words", "conditions": [condition]}}


@pytest.mark.parametrize(
    ("request_", "expected", "sentence"),
    [
        pytest.param(ended("Promoted", succeeded=True), "Promoted", "", id="promoted, as expected"),
        pytest.param(ended("Rejected", succeeded=False), "Rejected", "", id="rejected, as expected"),
        pytest.param(
            ended("Rejected", succeeded=False), "Promoted", "ended as Promoted, and ended as Rejected: words", id="another verdict"
        ),
        pytest.param(ended("Promoted", succeeded=True), "RolledBack", "ended as RolledBack, and ended as Promoted", id="promoted instead"),
        pytest.param(ended("Promoted", succeeded=False), "Promoted", "Succeeded .* does not fit", id="promoted without success"),
        pytest.param(ended("Failed", succeeded=True), "Failed", "Succeeded .* does not fit", id="failed with success"),
    ],
)
def test_a_verdict_is_the_expected_one_and_its_condition_fits(request_, expected, sentence):
    if sentence:
        with pytest.raises(NotSo, match=sentence):
            expect_verdict(request_, expected)
    else:
        assert expect_verdict(request_, expected) is request_["status"]


def judged(message: str, *, accuracy: str = "0.8360", f1_macro: str = "0.83528") -> dict:
    """A status by whose reports accuracy changed by +0.0820 and F1 by +0.08278 (from 0.754 and 0.7525), if not said otherwise."""
    return {
        "message": message,
        "report": {"metrics": {"accuracy": accuracy, "f1_macro": f1_macro, "n_classes": "25"}},
        "frozen": {"baseline": {"metrics": {"accuracy": "0.7540", "f1_macro": "0.75250"}}},
    }


def test_changes_are_computed_anew_and_exactly():
    assert deltas(judged("")) == {"accuracy": Decimal("0.0820"), "f1_macro": Decimal("0.08278")}


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        pytest.param("Performance improved: accuracy +0.0820, F1 +0.0828", "", id="rounded to four digits"),
        pytest.param("Performance improved: accuracy +0.08200, F1 +0.08278", "", id="with more digits"),
        pytest.param("Performance improved: accuracy +0.0821, F1 +0.0828", "accuracy changed by", id="a wrong accuracy in the last digit"),
        pytest.param("Performance improved: accuracy +0.0820, F1 +0.0827", "f1_macro changed by", id="a wrong F1 in the last digit"),
        pytest.param("Performance improved: accuracy -0.0820, F1 +0.0828", "accuracy changed by", id="a wrong sign"),
        pytest.param("Performance degraded: accuracy +0.0820, F1 +0.0828", "should read", id="another beginning"),
        pytest.param("Performance improved: accuracy +0.082, F1 +0.083", "should read", id="too few digits"),
        pytest.param("Performance improved: accuracy 0.0820, F1 0.0828", "should read", id="no signs"),
        pytest.param("Performance improved", "should read", id="no numbers"),
        pytest.param("Performance improved: accuracy +0.0820, F1 +0.0828, or so", "should read", id="more than the sentence"),
    ],
)
def test_the_reasons_numbers_are_those_of_the_reports(message: str, sentence: str):
    if sentence:
        with pytest.raises(NotSo, match=sentence):
            expect_sentence(judged(message), "Performance improved")
    else:
        expect_sentence(judged(message), "Performance improved")


@pytest.mark.parametrize(
    ("body", "true"),
    [
        pytest.param({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True, id="it is True"),
        pytest.param({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, False, id="it is False"),
        pytest.param({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, False, id="it is not known"),
        pytest.param({"status": {"conditions": [{"type": "Other", "status": "True"}]}}, False, id="another one is"),
        pytest.param({"status": {}}, False, id="there are none"),
        pytest.param({}, False, id="there is no status"),
    ],
)
def test_a_condition_counts_only_if_it_is_there_and_true(body, true):
    assert is_true("Ready")(body) is true


def test_our_annotations_are_read_without_their_group():
    found = {"modelsafeguard.io/version": "v-1", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    assert annotations({"metadata": {"annotations": found}}) == {"version": "v-1"}
    assert annotations({"metadata": {}}) == {}
