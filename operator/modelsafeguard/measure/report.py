"""The two reports of one candidate: the full one for the volume, and the compact one for the operator."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import scipy
import sklearn

from modelsafeguard.api.codec import encode
from modelsafeguard.core.comparison import Part, Unmeasured
from modelsafeguard.core.contract import METRICS_FILE, METRICS_KEYS, PREDICTIONS_FILE
from modelsafeguard.core.handover import fitted
from modelsafeguard.core.holdouts import decisions_with
from modelsafeguard.core.judge import judge
from modelsafeguard.core.report import Report, report_to_payload
from modelsafeguard.measure.compare import Compared
from modelsafeguard.measure.details import comparison_details, leakage_details
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.flips import Flip
from modelsafeguard.measure.folder import FileFact
from modelsafeguard.measure.leakage import LeakageFound
from modelsafeguard.measure.live import LiveNumbers
from modelsafeguard.measure.metrics import Metrics
from modelsafeguard.measure.predictions import Predictions
from modelsafeguard.measure.scores import class_counts, scores
from modelsafeguard.measure.settings import Candidate

SCHEMA: Final = 3

# What metrics.json says must agree with the predictions to half a unit of its last written digit. JSON drops trailing zeros
# (0.85 may be 0.8500), so at least four digits count; beyond ten, both are the same double with other summation errors.
_DIGITS: Final = (4, 10)
_NOISE: Final = Decimal("1e-12")


@dataclass(frozen=True)
class Measured:
    """All that was found out about a candidate."""

    candidate: Candidate
    metrics: Metrics
    predictions: Predictions | None
    recomputed: Mapping[str, Decimal]
    live: LiveNumbers
    compared: Compared | None
    leakage: LeakageFound
    flips: tuple[Flip, ...] = ()

    @property
    def not_measured(self) -> dict[Part, Unmeasured]:
        """What could not be measured, and why."""
        parts = dict(self.leakage.not_measured)
        if self.live.unmeasured:
            parts[Part.COMPARISON] = self.live.unmeasured
        elif self.predictions and self.predictions.unusable:
            parts[Part.SLICES] = Unmeasured.COLUMN_UNUSABLE
        return parts


def recompute(metrics: Metrics, predictions: Predictions | None) -> dict[str, Decimal]:
    """Accuracy and F1 from the predictions; empty without them.

    Raises:
        MeasureError: MetricsDisagree or HoldoutDisagrees, when metrics.json says something else than the predictions.
    """
    if predictions is None:
        return {}
    if metrics.holdout_digest and metrics.holdout_digest != predictions.digest:
        raise MeasureError(
            Reason.HOLDOUT_DISAGREES,
            f"{METRICS_FILE} says that its holdout is {metrics.holdout_digest}, but the rows of {PREDICTIONS_FILE} are "
            f"{predictions.digest}: the two files are not of one run",
        )
    recomputed = scores(predictions.label, predictions.predicted)
    for name, value in recomputed.items():
        _agree(name, metrics.numbers[name], value, predictions.rows)
    return recomputed


def _agree(name: str, written: Decimal, value: Decimal, rows: int) -> None:
    exponent = written.as_tuple().exponent
    assert isinstance(exponent, int)  # only a number that is not finite has another one, and metrics.json has none
    digits = min(max(-exponent, _DIGITS[0]), _DIGITS[1])
    if abs(written - value) > Decimal(5).scaleb(-digits - 1) + _NOISE:
        raise MeasureError(
            Reason.METRICS_DISAGREE,
            f"{METRICS_FILE} says {name} {written:.12g}, but the {rows} rows of {PREDICTIONS_FILE} give {value:.12g}: the two files are "
            "not of one run, or the trainer computes another metric by that name",
        )


def compact_report(measured: Measured, manifest_digest: str) -> Report:
    """What the operator judges by, as much of it as can be handed over. Recomputed numbers replace those that the trainer wrote.

    Raises:
        HandoverTooLargeError: it cannot be handed over at all.
    """
    candidate, metrics, predictions, live = measured.candidate, measured.metrics, measured.predictions, measured.live
    names = [name for name in dict.fromkeys((*METRICS_KEYS, *candidate.margins)) if name in metrics.numbers]
    report = Report(
        version=candidate.version,
        manifest_digest=manifest_digest,
        model_digest=metrics.model_digest,
        metrics={name: measured.recomputed.get(name, metrics.numbers[name]) for name in names},
        training_date=metrics.training_date,
        holdout_digest=predictions.digest if predictions else "",  # a digest without rows is a claim, not a measurement
        holdout_rows=predictions.rows if predictions else 0,
        live_version=live.version,
        live_metrics=live.metrics,
        live_evidence=live.evidence,
        comparison=measured.compared.comparison if measured.compared else None,
        leakage=measured.leakage.leakage,
        not_measured=measured.not_measured,
    )
    return fitted(report)


def full_report(measured: Measured, compact: Report, files: Mapping[str, FileFact]) -> dict[str, Any]:
    """Everything that was found out, and what follows from it by the policy: what a page and a later check are made from."""
    candidate, metrics, predictions, live = measured.candidate, measured.metrics, measured.predictions, measured.live
    decisions = decisions_with(candidate.holdouts, compact.holdout_digest)
    return {
        "schema": SCHEMA,
        "compact": report_to_payload(compact),
        "version": candidate.version,
        "model": candidate.model,
        "request": candidate.request,
        "podUID": candidate.pod_uid,
        "frozen": encode(candidate.frozen),
        "decisions": decisions,
        "judgement": encode(judge(candidate.frozen.policy, compact, candidate.frozen.baseline, decisions)),
        "trainingDate": metrics.training_date,
        "modelDigest": metrics.model_digest,
        "manifestDigest": compact.manifest_digest,
        "written": _texts(metrics.numbers),
        "recomputed": _texts(measured.recomputed),
        "labels": metrics.labels,
        "holdout": _holdout(predictions),
        "live": _live(live),
        "comparison": comparison_details(measured.compared, candidate.margins),
        "leakage": leakage_details(measured.leakage.leakage),
        "flips": [asdict(flip) for flip in measured.flips],
        "notMeasured": measured.not_measured,
        "files": {path: asdict(fact) for path, fact in files.items()},
        "libraries": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }


def as_json(content: Mapping[str, Any]) -> bytes:
    """A full report as it is stored, with sorted keys: equal input gives equal bytes."""
    return json.dumps(content, sort_keys=True, indent=1, ensure_ascii=True).encode() + b"\n"


def _holdout(predictions: Predictions | None) -> dict[str, Any]:
    if predictions is None:
        return {}
    return {
        "digest": predictions.digest,
        "rows": predictions.rows,
        "classes": class_counts(predictions),
        "slices": [column.name for column in predictions.slices],
        "unusableColumns": predictions.unusable,
    }


def _live(live: LiveNumbers) -> dict[str, Any]:
    return {
        "version": live.version,
        "evidence": live.evidence,
        "metrics": _texts(live.metrics),
        "labels": live.labels,
        "disagreement": live.disagreement,
        "problem": live.problem,
    }


def _texts(numbers: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: str(value) for name, value in numbers.items()}
