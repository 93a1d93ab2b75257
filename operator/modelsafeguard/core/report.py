"""What ``measure`` found out about a candidate, and the numbers of the model that it is compared with."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from modelsafeguard.core.errors import ReportInvalidError
from modelsafeguard.core.numbers import METRIC_NAME, compact, objection

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_VERSION: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NUMBER: Final = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,10})?")
# A date in the forms of ISO 8601, and a time behind a T or a space: fromisoformat takes any character there, a line feed included.
_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-?W[0-9]{2}(-?[0-9])?)([T ][0-9:.,]+(Z|[+-][0-9:.]+)?)?")
_LONGEST_NAME: Final = 63
_LONGEST_DATE: Final = 40
_MOST_METRICS: Final = 32
_MOST_ROWS: Final = 10**9


class Evidence(StrEnum):
    """Where the baseline's numbers come from, best first."""

    PAIRED = "Paired"  # the live model's predictions on the same holdout, joined by id
    RESCORED = "Rescored"  # the trainer's own predictions by the live model (live_predicted)
    ANNOTATED = "Annotated"  # the annotations on the ModelDeployment
    NONE = "None"  # no previous model


@dataclass(frozen=True)
class Baseline:
    """The live model's own numbers, as they were when the request started."""

    version: str
    metrics: Mapping[str, Decimal]
    holdout_digest: str = ""


@dataclass(frozen=True)
class Report:
    """The compact report of one candidate.

    Digests are ``sha256:`` and 64 hex digits, or empty where the trainer gave none. ``live_metrics`` are the live model's
    numbers on the candidate's own holdout, where they could be measured.
    """

    version: str
    manifest_digest: str
    model_digest: str
    metrics: Mapping[str, Decimal]
    training_date: str
    holdout_digest: str = ""
    holdout_rows: int = 0
    live_version: str = ""
    live_metrics: Mapping[str, Decimal] = field(default_factory=dict)
    live_evidence: Evidence = Evidence.NONE


def is_digest(text: str) -> bool:
    """Whether this is ``sha256:`` and 64 lower-case hex digits."""
    return _DIGEST.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Whether this can be a version: a DNS subdomain of at most 63 characters, so no slash, no "..", no leading dot."""
    return len(text) <= _LONGEST_NAME and _VERSION.fullmatch(text) is not None


def is_training_date(text: str) -> bool:
    """Whether this is a date in ISO 8601, alone or with a time, and that with or without an offset."""
    if len(text) > _LONGEST_DATE or not _DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def holdout_line(identity: str, label: str) -> bytes:
    """A row of a holdout as its digest sees it.

    An id and a label may both hold a comma, so one line can be of two different rows: equal digests are the same lines, and whoever
    joins rows by their ids compares the ids as well.
    """
    return f"{identity},{label}\n".encode()


def holdout_digest(rows: Iterable[tuple[str, str]]) -> str:
    """The identity of a holdout, from id and label of its rows: ``sha256:`` of their sorted lines, whatever their order in the file."""
    return digest_of_lines(sorted(holdout_line(identity, label) for identity, label in rows))


def digest_of_lines(lines: Iterable[bytes]) -> str:
    """As ``holdout_digest``, of lines that are sorted already."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
    return f"sha256:{digest.hexdigest()}"


def report_to_payload(report: Report) -> dict[str, Any]:
    """The report as JSON: the fields' own names, numbers as decimal strings, empty values left out."""
    payload = {
        "version": report.version,
        "manifest_digest": report.manifest_digest,
        "model_digest": report.model_digest,
        "metrics": {name: compact(value) for name, value in report.metrics.items()},
        "training_date": report.training_date,
        "holdout_digest": report.holdout_digest,
        "holdout_rows": report.holdout_rows,
        "live_version": report.live_version,
        "live_metrics": {name: compact(value) for name, value in report.live_metrics.items()},
        "live_evidence": "" if report.live_evidence is Evidence.NONE else str(report.live_evidence),
    }
    return {name: value for name, value in payload.items() if value}


def report_from_payload(payload: object, *, version: str) -> Report:
    """The report of ``version`` from untrusted JSON: every field checked for type, form and range, unknown fields refused.

    Operator and ``measure`` image are named together, so a field that is not known here was not written by ours.

    Raises:
        ReportInvalidError: with the sentence that says what is wrong.
    """
    fields = _Fields(payload)
    report = Report(
        version=fields.text("version", is_version),
        manifest_digest=fields.text("manifest_digest", is_digest),
        model_digest=fields.text("model_digest", is_digest, default=""),
        metrics=fields.numbers("metrics"),
        training_date=fields.text("training_date", is_training_date),
        holdout_digest=fields.text("holdout_digest", is_digest, default=""),
        holdout_rows=fields.count("holdout_rows"),
        live_version=fields.text("live_version", is_version, default=""),
        live_metrics=fields.numbers("live_metrics"),
        live_evidence=Evidence(fields.text("live_evidence", {Evidence.PAIRED, Evidence.RESCORED}.__contains__, default=Evidence.NONE)),
    )
    fields.refuse_others()
    if report.version != version:
        raise ReportInvalidError(f"The report is about version {report.version}, but {version} was asked for")
    if bool(report.holdout_digest) != bool(report.holdout_rows):
        raise ReportInvalidError("The report has a holdout's digest without its rows, or rows without a digest")
    if bool(report.live_metrics) != (report.live_evidence is not Evidence.NONE) or (report.live_metrics and not report.live_version):
        raise ReportInvalidError("The report does not say of which version, or how, the live model's numbers were measured")
    return report


class _Fields:
    """Takes fields out of an untrusted object, one check each."""

    def __init__(self, payload: object) -> None:
        if not isinstance(payload, dict):
            raise ReportInvalidError("The report is not a JSON object")
        self._left: dict[str, object] = dict(payload)

    def text(self, name: str, check: Callable[[str], bool], *, default: str | None = None) -> str:
        if default is not None and name not in self._left:
            return default
        value = self._left.pop(name, None)
        if not isinstance(value, str) or not check(value):
            raise ReportInvalidError(f"The report's {name} is missing or not of the right form")
        return value

    def count(self, name: str) -> int:
        value = self._left.pop(name, 0)
        if type(value) is not int or not 0 <= value <= _MOST_ROWS:
            raise ReportInvalidError(f"The report's {name} is not a count")
        return value

    def numbers(self, name: str) -> dict[str, Decimal]:
        value = self._left.pop(name, {})
        if not isinstance(value, dict) or len(value) > _MOST_METRICS:
            raise ReportInvalidError(f"The report's {name} are not an object of at most {_MOST_METRICS} numbers")
        numbers = {}
        for metric, text in value.items():
            if not METRIC_NAME.fullmatch(metric) or not isinstance(text, str) or not _NUMBER.fullmatch(text):
                raise ReportInvalidError(f"The report's {name} hold something that is not a decimal number")
            numbers[metric] = Decimal(text)
            if fault := objection(metric, numbers[metric]):
                raise ReportInvalidError(f"The report's {name} are not valid: {fault}")
        return numbers

    def refuse_others(self) -> None:
        if self._left:
            raise ReportInvalidError(f"The report has unknown fields: {', '.join(sorted(map(repr, self._left)))[:200]}")
