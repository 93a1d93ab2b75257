"""The two reports of one candidate: the full one for the volume, and the compact one for the operator."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

import numpy as np
import scipy
import sklearn

from modelsafeguard.api.codec import encode
from modelsafeguard.core.contract import METRICS_KEYS
from modelsafeguard.core.handover import fitted
from modelsafeguard.core.holdouts import decisions_with
from modelsafeguard.core.judge import judge
from modelsafeguard.core.report import Report, report_from_payload, report_to_payload
from modelsafeguard.measure.details import comparison_details, leakage_details
from modelsafeguard.measure.folder import FileFact
from modelsafeguard.measure.live import LiveNumbers
from modelsafeguard.measure.measured import Measured
from modelsafeguard.measure.predictions import Predictions
from modelsafeguard.measure.scores import class_counts

SCHEMA: Final = 3


def compact_report(measured: Measured, manifest_digest: str) -> Report:
    """What the operator judges by, digit for digit, and as much of it as can be handed over.

    Recomputed numbers replace those that the trainer wrote.

    Raises:
        HandoverTooLargeError: it cannot be handed over at all.
        ReportInvalidError: the operator would refuse it.
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
    return report_from_payload(report_to_payload(fitted(report)), version=candidate.version)


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
        "live": _live(live, candidate.live_digest),
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


def in_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """A full report as it is when it is read again."""
    content_again: dict[str, Any] = json.loads(as_json(content))
    return content_again


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


def _live(live: LiveNumbers, digest: str) -> dict[str, Any]:
    return {
        "version": live.version,
        "manifestDigest": digest,
        "evidence": live.evidence,
        "metrics": _texts(live.metrics),
        "labels": live.labels,
        "disagreement": live.disagreement,
        "problem": live.problem,
    }


def _texts(numbers: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: str(value) for name, value in numbers.items()}
