"""All that is found out about one candidate, from its folder and the live version's. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from modelsafeguard.core.comparison import Part, Unmeasured
from modelsafeguard.core.contract import METRICS_FILE, PREDICTIONS_FILE
from modelsafeguard.core.metrics import Metrics
from modelsafeguard.measure.compare import Compared, compare
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.flips import Flip, flips
from modelsafeguard.measure.leakage import LeakageFound, measure_leakage
from modelsafeguard.measure.live import LiveNumbers, measure_live
from modelsafeguard.measure.metrics import read_metrics
from modelsafeguard.measure.predictions import Predictions, read_predictions
from modelsafeguard.measure.scores import scores
from modelsafeguard.measure.settings import Candidate

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
    flips: tuple[Flip, ...]

    @property
    def not_measured(self) -> dict[Part, Unmeasured]:
        """What could not be measured, and why."""
        parts = dict(self.leakage.not_measured)
        if self.live.unmeasured:
            parts[Part.COMPARISON] = self.live.unmeasured
        elif self.predictions and self.predictions.unusable:
            parts[Part.SLICES] = Unmeasured.COLUMN_UNUSABLE
        return parts


def measured(store: int, output: int, candidate: Candidate) -> Measured:
    """Check and measure what a trainer left in ``output``.

    Raises:
        MeasureError: the first thing that is wrong with it.
    """
    metrics = read_metrics(output, tuple(candidate.margins))
    predictions = read_predictions(output)
    recomputed = recompute(metrics, predictions)
    live = measure_live(store, candidate.live_version, candidate.live_digest, predictions)
    leakage = measure_leakage(store, output, predictions, live)
    compared = compare(predictions, live, recomputed, metrics.labels)
    return Measured(candidate, metrics, predictions, recomputed, live, compared, leakage, flips(output, predictions, live))


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
