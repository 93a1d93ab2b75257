"""What ``measure`` found out about a candidate, and the numbers of the model that it is compared with."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from modelsafeguard.core.comparison import Comparison, Leakage, Part, Unmeasured
from modelsafeguard.core.comparison_payload import (
    comparison_from_payload,
    comparison_to_payload,
    leakage_from_payload,
    leakage_to_payload,
    not_measured_from_payload,
)
from modelsafeguard.core.errors import ReportInvalidError
from modelsafeguard.core.fields import Fields
from modelsafeguard.core.numbers import compact

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_VERSION: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
# A date in the forms of ISO 8601, and a time behind a T or a space: fromisoformat takes any character there, a line feed included.
_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-?W[0-9]{2}(-?[0-9])?)([T ][0-9:.,]+(Z|[+-][0-9:.]+)?)?")
_LONGEST_NAME: Final = 63
_LONGEST_DATE: Final = 40


class Evidence(StrEnum):
    """Where the baseline's numbers come from, best first."""

    PAIRED = "Paired"  # the live model's predictions on the same holdout, joined by id
    RESCORED = "Rescored"  # the trainer's own predictions by the live model (live_predicted)
    ANNOTATED = "Annotated"  # the annotations on the ModelDeployment
    NONE = "None"  # no previous model


@dataclass(frozen=True)
class Baseline:
    """The live model's own numbers, as they were when the request started.

    ``below_best`` is how far it is below the best model since the first one or the last re-base, by metric; at the best where a metric is
    not in it.
    """

    version: str
    metrics: Mapping[str, Decimal]
    holdout_digest: str = ""
    model_digest: str = ""
    below_best: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """The compact report of one candidate.

    Digests are ``sha256:`` and 64 hex digits, or empty where the trainer gave none. ``live_metrics`` are the live model's
    numbers on the candidate's own holdout, where they could be measured; ``comparison`` is of the two, row by row. ``not_measured`` says
    why something is None there. An older ``measure`` may not have said so: what is None was never measured.
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
    comparison: Comparison | None = None
    leakage: Leakage | None = None
    not_measured: Mapping[Part, Unmeasured] = field(default_factory=dict)


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
        "comparison": comparison_to_payload(report.comparison) if report.comparison else {},
        "leakage": leakage_to_payload(report.leakage) if report.leakage else [],
        "not_measured": {str(part): str(reason) for part, reason in report.not_measured.items()},
    }
    return {name: value for name, value in payload.items() if value}


def report_from_payload(payload: object, *, version: str) -> Report:
    """The report of ``version`` from untrusted JSON: every field checked for type, form and range, unknown fields refused.

    Operator and ``measure`` image are named together, so a field that is not known here was not written by ours.

    Raises:
        ReportInvalidError: with the sentence that says what is wrong.
    """
    fields = Fields(payload)
    metrics, live_metrics, rows = fields.numbers("metrics"), fields.numbers("live_metrics"), fields.count("holdout_rows")
    compared = fields.below("comparison")
    report = Report(
        version=fields.text("version", is_version),
        manifest_digest=fields.text("manifest_digest", is_digest),
        model_digest=fields.text("model_digest", is_digest, default=""),
        metrics=metrics,
        training_date=fields.text("training_date", is_training_date),
        holdout_digest=fields.text("holdout_digest", is_digest, default=""),
        holdout_rows=rows,
        live_version=fields.text("live_version", is_version, default=""),
        live_metrics=live_metrics,
        live_evidence=Evidence(fields.text("live_evidence", {Evidence.PAIRED, Evidence.RESCORED}.__contains__, default=Evidence.NONE)),
        comparison=comparison_from_payload(compared, rows, metrics, live_metrics) if compared else None,
        leakage=leakage_from_payload(fields.items("leakage", most=2), rows),
        not_measured=not_measured_from_payload(fields.mapping("not_measured", most=len(Part))),
    )
    fields.refuse_others()
    if report.version != version:
        raise ReportInvalidError(f"The report is about version {report.version}, but {version} was asked for")
    if bool(report.holdout_digest) != bool(report.holdout_rows):
        raise ReportInvalidError("The report has a holdout's digest without its rows, or rows without a digest")
    if bool(report.live_metrics) != (report.live_evidence is not Evidence.NONE) or (report.live_metrics and not report.live_version):
        raise ReportInvalidError("The report does not say of which version, or how, the live model's numbers were measured")
    measured = {Part.COMPARISON: report.comparison, Part.LEAKAGE: report.leakage}
    if any(measured.get(part) for part in report.not_measured):
        raise ReportInvalidError("The report says of something that is in it that it was not measured")
    return report
