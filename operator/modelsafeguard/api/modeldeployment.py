"""ModelDeployment: between the object and its value, and the live model's numbers in its annotations."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from modelsafeguard.api.codec import decode, encode
from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.api.names import (
    ANNOTATION_HOLDOUT_DIGEST,
    ANNOTATION_TRAINING_DATE,
    ANNOTATION_VERSION,
    MODEL_KIND,
    metric_annotation,
)
from modelsafeguard.api.scalars import decimal_from, decimal_text, shown
from modelsafeguard.core.contract import METRICS_KEYS
from modelsafeguard.core.model import Live, Model, ModelSpec, ModelStatus
from modelsafeguard.core.numbers import objection
from modelsafeguard.core.report import Baseline, is_digest, is_version

# The seventh key of metrics.json is no number.
_NUMBERS = tuple(key for key in METRICS_KEYS if key != "training_date")


def from_body(body: Mapping[str, Any]) -> Model:
    """The value of a ModelDeployment as the API server gives it.

    Raises:
        MalformedObject: naming the model, and the fields that are missing or wrong.
    """
    return decode(Model, MODEL_KIND, body)


def spec_to_json(spec: ModelSpec) -> dict[str, Any]:
    """The ``spec`` of a ModelDeployment."""
    return encode(spec)


def status_to_json(status: ModelStatus) -> dict[str, Any]:
    """The whole ``status`` of a ModelDeployment: what is not in it is to be gone."""
    return encode(status)


def annotations_of(live: Live) -> dict[str, str]:
    """The public copy of the live model's record: every metric, and the version, training date and holdout digest where known."""
    facts = {
        ANNOTATION_VERSION: live.version,
        ANNOTATION_TRAINING_DATE: live.training_date,
        ANNOTATION_HOLDOUT_DIGEST: live.holdout_digest,
    }
    numbers = {metric_annotation(name): decimal_text(value) for name, value in live.metrics.items()}
    return {key: text for key, text in facts.items() if text} | numbers


def is_annotated(annotations: Mapping[str, str], live: Live) -> bool:
    """Whether the annotations are those of the live model's record. Of an adopted one they came first: numbers are compared as numbers.

    Annotations that the record does not know do not count: the policy may have been given another metric since.
    """
    if not live.adopted:
        return all(annotations.get(key) == text for key, text in annotations_of(live).items())
    try:
        annotated = baseline_from_annotations(annotations, live.metrics)
    except MalformedObject:
        return False
    same_version = annotated is not None and annotated.version in (live.version, "")
    return (
        annotated is not None
        and same_version
        and annotated.holdout_digest == live.holdout_digest
        and all(annotated.metrics.get(name) == number for name, number in live.metrics.items())
    )


def baseline_from_annotations(annotations: Mapping[str, str], metrics: Iterable[str] = ()) -> Baseline | None:
    """The live model's numbers as its annotations have them; None when no metric is annotated.

    Read are the numbers of metrics.json and ``metrics``, the names in the model's policy: other annotations below our prefix are not
    numbers. The version and the holdout digest may be absent (""): a model that was live before the operator came has neither.

    Raises:
        MalformedObject: for a value that is malformed, or that no such metric can have.
    """
    names = dict.fromkeys((*_NUMBERS, *metrics))
    numbers = {name: _number(name, annotations[metric_annotation(name)]) for name in names if metric_annotation(name) in annotations}
    if not numbers:
        return None
    return Baseline(
        # A version becomes part of paths and of pod specs, so what a person annotated is checked before it is believed.
        version=_checked(annotations, ANNOTATION_VERSION, is_version, "a version: a-z, 0-9, - and ., at most 63 characters"),
        metrics=numbers,
        holdout_digest=_checked(annotations, ANNOTATION_HOLDOUT_DIGEST, is_digest, "sha256: and 64 hexadecimal digits"),
    )


def _number(metric: str, text: str) -> Decimal:
    annotation = metric_annotation(metric)
    try:
        number = decimal_from(text)
    except ValueError as error:
        raise MalformedObject(f"annotation {annotation} {error}") from error
    if problem := objection(metric, number):
        raise MalformedObject(f"annotation {annotation}: {problem}")
    return number


def _checked(annotations: Mapping[str, str], annotation: str, check: Callable[[str], bool], noun: str) -> str:
    text = annotations.get(annotation, "")
    if text and not check(text):
        raise MalformedObject(f"annotation {annotation} must be {noun}, not {shown(text)}")
    return text
