from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.api.modeldeployment import annotations_of, baseline_from_annotations
from modelsafeguard.api.names import annotated_metric, metric_annotation
from modelsafeguard.core.model import Live, ServingState
from modelsafeguard.core.report import Baseline

DIGEST = "sha256:" + "0f" * 32
LIVE = Live(
    version="nightly-7-1f0c9a2e",
    metrics={"accuracy": Decimal("0.8042"), "f1_macro": Decimal("0.7834"), "n_samples": Decimal(1250), "auc_pr": Decimal("0.61")},
    since=datetime(2026, 1, 31, tzinfo=UTC),
    serving=ServingState(),
    holdout_digest=DIGEST,
    training_date="2026-01-31T12:00:00",
)
ANNOTATIONS = {
    "modelsafeguard.io/version": "nightly-7-1f0c9a2e",
    "modelsafeguard.io/accuracy": "0.8042",
    "modelsafeguard.io/f1-macro": "0.7834",
    "modelsafeguard.io/n-samples": "1250",
    "modelsafeguard.io/auc-pr": "0.61",
    "modelsafeguard.io/training-date": "2026-01-31T12:00:00",
    "modelsafeguard.io/holdout-digest": DIGEST,
}

metric_names = st.from_regex(r"[A-Za-z]([A-Za-z0-9_]{0,30}[A-Za-z0-9])?", fullmatch=True)


@given(metric_names)
def test_an_annotation_says_which_metric_it_shows(metric):
    assert annotated_metric(metric_annotation(metric)) == metric


@given(metric_names, metric_names)
def test_no_two_metrics_have_one_annotation(one, other):
    assert (metric_annotation(one) == metric_annotation(other)) == (one == other)


def test_the_public_copy_has_every_metric_and_what_else_is_known():
    assert annotations_of(LIVE) == ANNOTATIONS


def test_the_public_copy_leaves_out_what_is_not_known():
    adopted = Live("adopted", {"accuracy": Decimal("0.80")}, LIVE.since, ServingState())
    assert annotations_of(adopted) == {"modelsafeguard.io/version": "adopted", "modelsafeguard.io/accuracy": "0.80"}


def test_the_public_copy_is_read_back_as_the_baseline():
    assert baseline_from_annotations(annotations_of(LIVE), ["accuracy", "auc_pr"]) == Baseline(LIVE.version, LIVE.metrics, DIGEST)


@pytest.mark.parametrize(
    ("annotations", "baseline"),
    [
        pytest.param({}, None, id="nothing is annotated"),
        pytest.param({"modelsafeguard.io/version": "v", "example.com/accuracy": "0.9"}, None, id="no metric is annotated"),
        pytest.param(
            {"modelsafeguard.io/accuracy": "0.8042", "modelsafeguard.io/f1-macro": "0.7834"},
            Baseline("", {"accuracy": Decimal("0.8042"), "f1_macro": Decimal("0.7834")}),
            id="two numbers put on by hand are enough",
        ),
        pytest.param(
            {"modelsafeguard.io/accuracy": "1", "modelsafeguard.io/approved-by": "ann", "modelsafeguard.io/auc-pr": "?"},
            Baseline("", {"accuracy": Decimal(1)}),
            id="annotations that are no metric of the policy are not read",
        ),
    ],
)
def test_a_model_that_was_live_already_is_adopted_by_its_annotations(annotations, baseline):
    assert baseline_from_annotations(annotations) == baseline


@pytest.mark.parametrize(
    ("annotation", "text", "sentence"),
    [
        ("accuracy", "1.2", "annotation modelsafeguard.io/accuracy: accuracy is 1.2, outside its range from 0 to 1"),
        ("f1-macro", "-0.1", "annotation modelsafeguard.io/f1-macro: f1_macro is -0.1, outside its range from 0 to 1"),
        ("accuracy", "NaN", "annotation modelsafeguard.io/accuracy must be a decimal string such as \"0.01\", not 'NaN'"),
        ("accuracy", "80 %", "annotation modelsafeguard.io/accuracy must be a decimal string such as \"0.01\", not '80 %'"),
        ("accuracy", "", "annotation modelsafeguard.io/accuracy must be a decimal string such as \"0.01\", not ''"),
        ("n-classes", "1.5", "annotation modelsafeguard.io/n-classes: n_classes is 1.5, which is not a count"),
        ("auc-pr", "1e-3", "annotation modelsafeguard.io/auc-pr must be a decimal string such as \"0.01\", not '1e-3'"),
        ("version", "../x", "annotation modelsafeguard.io/version must be a version: a-z, 0-9, - and ., at most 63 characters, not '../x'"),
        ("holdout-digest", "md5", "annotation modelsafeguard.io/holdout-digest must be sha256: and 64 hexadecimal digits, not 'md5'"),
    ],
)
def test_a_malformed_annotation_is_refused_with_a_sentence(annotation, text, sentence):
    with pytest.raises(MalformedObject) as refused:
        baseline_from_annotations(ANNOTATIONS | {f"modelsafeguard.io/{annotation}": text}, ["auc_pr"])
    assert str(refused.value) == sentence
