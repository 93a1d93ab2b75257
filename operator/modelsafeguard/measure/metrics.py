"""metrics.json in the trainer's folder: read within bounds."""

from collections.abc import Sequence
from typing import Final

from modelsafeguard.core.contract import METRICS_FILE, METRICS_KEYS
from modelsafeguard.core.metrics import Metrics, MetricsInvalidError, parse_metrics
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.folder import read_bounded

MAX_BYTES: Final = 1 << 20


def read_metrics(folder: int, asked: Sequence[str]) -> Metrics:
    """The checked content of the folder's metrics.json; ``asked`` are the names of the policy's metrics.

    Raises:
        MeasureError: MetricsMissing, MetricsTooLarge or MetricsInvalid.
    """
    try:
        raw = read_bounded(METRICS_FILE, folder, MAX_BYTES)
    except FileNotFoundError:
        message = f"The trainer wrote no {METRICS_FILE}: it must write one with the keys {', '.join(METRICS_KEYS)}"
        raise MeasureError(Reason.METRICS_MISSING, message) from None
    if raw is None:
        raise MeasureError(Reason.METRICS_TOO_LARGE, f"{METRICS_FILE} is larger than {MAX_BYTES} bytes: it holds metrics, not data")
    try:
        return parse_metrics(raw, asked)
    except MetricsInvalidError as error:
        raise MeasureError(Reason.METRICS_INVALID, f"{METRICS_FILE} {error}: the trainer must be corrected") from error
