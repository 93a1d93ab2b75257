"""Candidate and live model on the same rows: counts, and what follows from counts.

Of what is stored nothing follows from the rest: a slice's delta and interval, the smallest drop that can be told, and the rows that a
margin needs are computed here, for any margin, from what ``measure`` has counted (docs/decisions/0016).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from statistics import NormalDist
from typing import Final

from modelsafeguard.core.numbers import PValue
from modelsafeguard.core.text import shortened

RESAMPLES: Final = 10_000
CONFIDENCE: Final = 0.95  # of all intervals, which are two-sided
POWER: Final = 0.8
_QUANTILE: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
# What is told with this power lies so many standard errors from what is not so: the rule looks at one end of the interval.
_TOLD: Final = _QUANTILE + NormalDist().inv_cdf(POWER)

# Digits after the point of what is estimated. The ends of an interval vary by more than this from seed to seed.
ESTIMATE_DIGITS: Final = 6

# What the compact report names, at most; the full one has all.
WORST_SLICES: Final = 3
NAMED_CLASSES: Final = 5
LONGEST_NAME: Final = 40
_SHORT_NAME: Final = 16
_SHORTEST_NAME: Final = 6  # of which JSON may take twelve bytes for each character


class Part(StrEnum):
    """What may not have been measured."""

    COMPARISON = "Comparison"
    SLICES = "Slices"
    LEAKAGE = "Leakage"
    LIVE_LEAKAGE = "LiveLeakage"


class Unmeasured(StrEnum):
    """Why something was not measured."""

    NO_PREDICTIONS = "NoPredictions"  # the trainer wrote no predictions.csv
    NO_LIVE_VERSION = "NoLiveVersion"  # no version with a folder of ours is live
    LIVE_DAMAGED = "LiveDamaged"  # the live version's files are not, or not provably, those that were published
    NO_LIVE_ANSWERS = "NoLiveAnswers"  # the live version's predictions are of another holdout, and there is no live_predicted
    COLUMN_UNUSABLE = "ColumnUnusable"  # a further column has too many values, or values that nobody can read
    NO_HOLDOUT_TEXTS = "NoHoldoutTexts"  # there is no holdout.csv
    NO_TRAIN_DIGESTS = "NoTrainDigests"  # there is no train-digests.txt
    TRAIN_DIGESTS_INVALID = "TrainDigestsInvalid"  # the live version's; the candidate's own would have failed it


@dataclass(frozen=True)
class Interval:
    """Both ends of a two-sided 95 % interval."""

    lower: Decimal
    upper: Decimal


@dataclass(frozen=True)
class MetricComparison:
    """Candidate minus live of one metric: the delta, its paired bootstrap interval, and its standard error."""

    delta: Decimal
    lower: Decimal
    upper: Decimal
    standard_error: Decimal


@dataclass(frozen=True)
class SliceComparison:
    """The rows of one value of one column. ``p_value`` is of McNemar's exact test, corrected by Holm over all slices of all columns."""

    column: str
    value: str
    rows: int
    gained: int
    lost: int
    p_value: PValue

    @property
    def delta(self) -> Decimal:
        """Candidate minus live of the slice's accuracy."""
        return accuracy_delta(self.rows, self.gained, self.lost)

    @property
    def interval(self) -> Interval:
        """Of the delta, by Bonett and Price (2012): one row more is taken to be gained, and one lost, which keeps small slices honest."""
        rows = self.rows + 2
        delta = (self.gained - self.lost) / rows
        half = _QUANTILE * math.sqrt(((self.gained + self.lost + 2) / rows - delta**2) / rows)
        return Interval(estimate(max(delta - half, -1)), estimate(min(delta + half, 1)))


@dataclass(frozen=True)
class Classes:
    """Some of the holdout's classes: how many, and the first of their names in alphabetical order."""

    count: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Candidate and live model on the same ``rows``.

    ``changed`` rows have another answer; ``gained`` were wrong and are right, ``lost`` were right and are wrong (negative flips), and
    ``p_value`` is of McNemar's exact test of the two. ``slices`` are the worst ones of ``slices_tested``, the smallest p-value first:
    only such as lost more than they gained, so that without any no slice got worse.
    """

    rows: int
    changed: int
    gained: int
    lost: int
    p_value: PValue
    resamples: int
    metrics: Mapping[str, MetricComparison]
    slices_tested: int = 0
    slices: tuple[SliceComparison, ...] = ()
    classes_lost: Classes = field(default_factory=Classes)
    classes_gained: Classes = field(default_factory=Classes)

    @property
    def detectable_drop(self) -> Decimal:
        """The smallest drop of accuracy that this holdout tells in four of five cases."""
        error = accuracy_error(self.rows, self.gained, self.lost)
        return estimate(min(_detectable(error, self.rows), 1))

    def rows_needed(self, metric: str, max_drop: Decimal) -> int | None:
        """How many rows of this kind it takes to tell, in four of five cases, that an equally good model has not dropped by ``max_drop``.

        None where no number does: the metric was not compared, or no drop is accepted at all.
        """
        if metric not in self.metrics or max_drop <= 0:
            return None
        return rows_needed(float(self.metrics[metric].standard_error), self.rows, float(max_drop))

    def abridged(self, *, slices: int = WORST_SLICES, classes: int = NAMED_CLASSES, name: int = LONGEST_NAME) -> "Comparison":
        """The comparison with fewer examples and shorter names; every count stays."""
        return replace(
            self,
            slices=tuple(
                replace(one, column=shortened(one.column, name), value=shortened(one.value, name)) for one in self.slices[:slices]
            ),
            classes_lost=_first(self.classes_lost, classes, name),
            classes_gained=_first(self.classes_gained, classes, name),
        )


# How ``abridged`` is to be called until a report has room in its message: the worst slice is named in the end as well.
ABRIDGEMENTS: Final[tuple[Mapping[str, int], ...]] = (
    {},
    {"slices": 2},
    {"slices": 2, "classes": 1},
    {"slices": 1, "classes": 1},
    {"slices": 1, "classes": 1, "name": _SHORT_NAME},
    {"slices": 1, "classes": 0, "name": _SHORT_NAME},
    {"slices": 1, "classes": 0, "name": _SHORTEST_NAME},
)


@dataclass(frozen=True)
class Leakage:
    """How many of the holdout's ``rows`` were trained on, by their normalised text; ``live_leaked`` is None where that is not known."""

    rows: int
    leaked: int
    live_leaked: int | None = None

    @property
    def share(self) -> Decimal:
        """The candidate's."""
        return estimate(self.leaked / self.rows)

    @property
    def live_share(self) -> Decimal | None:
        """The live model's."""
        return None if self.live_leaked is None else estimate(self.live_leaked / self.rows)


def accuracy_delta(rows: int, gained: int, lost: int) -> Decimal:
    """What gained and lost rows are for the accuracy."""
    return Decimal(gained - lost) / rows


def accuracy_error(rows: int, gained: int, lost: int) -> float:
    """The standard error of that delta, of rows that were drawn independently."""
    return math.sqrt((gained + lost) / rows - ((gained - lost) / rows) ** 2) / math.sqrt(rows)


def rows_needed(standard_error: float, rows: int, margin: float) -> int:
    """As many rows as make the smallest drop that is told equal to the margin; the standard error falls with the root of the rows."""
    return math.ceil(rows * (_detectable(standard_error, rows) / margin) ** 2)


def estimate(value: float) -> Decimal:
    """An estimated number, rounded. To twelve digits first: what binary fractions add at the far end must not decide a tie."""
    return round(Decimal(repr(round(value, 12))), ESTIMATE_DIGITS)


def _detectable(standard_error: float, rows: int) -> float:
    """The smallest drop that is told. That fewer than one row changed sides is no evidence that none ever does."""
    return _TOLD * max(standard_error, 1 / rows)


def _first(classes: Classes, count: int, name: int) -> Classes:
    return Classes(classes.count, tuple(shortened(one, name) for one in classes.names[:count]))
