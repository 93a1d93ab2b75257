"""The candidate beside the live model, row by row: what changed, how sure that is, where it is worse, and which classes came and went."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from modelsafeguard.core.comparison import Classes, Comparison, MetricComparison, SliceComparison, accuracy_error, estimate
from modelsafeguard.core.numbers import compact, difference, p_value
from modelsafeguard.measure.bootstrap import Spread, resamples_for, seed_of, spreads
from modelsafeguard.measure.cells import Cells, cells_of
from modelsafeguard.measure.live import LiveNumbers
from modelsafeguard.measure.paired import mcnemar
from modelsafeguard.measure.predictions import LABEL, Predictions
from modelsafeguard.measure.slices import SliceColumn, compare_slices


@dataclass(frozen=True)
class Compared:
    """The comparison with the names of all classes, every slice, and what the intervals were drawn from."""

    comparison: Comparison
    slices: tuple[SliceComparison, ...]
    cells: int
    seed: int


def compare(candidate: Predictions | None, live: LiveNumbers, metrics: Mapping[str, Decimal], labels: Collection[str]) -> Compared | None:
    """Compare the candidate, with its recomputed metrics and the labels that it names, with the live model.

    None without the answers of both.
    """
    if candidate is None or live.answers is None:
        return None
    cells, seed = cells_of(candidate.label, live.answers, candidate.predicted), seed_of(candidate.digest)
    was_right, is_right = candidate.label == live.answers, candidate.label == candidate.predicted
    slices = compare_slices(
        [SliceColumn(LABEL, candidate.labels, candidate.label), *candidate.slices], is_right & ~was_right, was_right & ~is_right
    )
    before, after = _classes(candidate, was_right), _classes(candidate, is_right)
    comparison = Comparison(
        rows=cells.rows,
        changed=cells.changed,
        gained=cells.gained,
        lost=cells.lost,
        p_value=p_value(float(mcnemar(np.array([cells.gained]), np.array([cells.lost]))[0])),
        resamples=resamples_for(cells),
        metrics={
            name: _metric(metrics[name], live.metrics[name], _exact(cells, spread) if name == "accuracy" else spread)
            for name, spread in spreads(cells, seed).items()
        },
        slices_tested=len(slices),
        slices=tuple(one for one in slices if one.delta < 0),
        classes_lost=_gone(before, after, live.labels, labels),
        classes_gained=_gone(after, before, labels, live.labels),
    )
    return Compared(comparison, tuple(slices), len(cells.counts), seed)


def _metric(candidate: Decimal, live: Decimal, spread: Spread) -> MetricComparison:
    return MetricComparison(
        # Of the numbers as they are handed over: whoever subtracts them gets this.
        delta=difference(Decimal(compact(candidate)), Decimal(compact(live))),
        lower=estimate(spread.lower),
        upper=estimate(spread.upper),
        standard_error=Decimal(compact(Decimal(f"{spread.standard_error:.5g}"))),
    )


def _exact(cells: Cells, spread: Spread) -> Spread:
    """The standard error of the accuracy needs no resampling."""
    return Spread(spread.lower, spread.upper, accuracy_error(cells.rows, cells.gained, cells.lost))


def _classes(candidate: Predictions, right: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> set[str]:
    """The classes of which at least one row is right."""
    return {candidate.labels[code] for code in np.unique(candidate.label[right]).tolist()}


def _gone(before: set[str], after: set[str], labels_before: Collection[str], labels_after: Collection[str]) -> Classes:
    """Classes that had a row right, and have none; and those that only the labels before have, where those after are known."""
    unnamed = (before | set(labels_before)) - set(labels_after) if labels_after else set()
    names = sorted((before - after) | unnamed)
    return Classes(len(names), tuple(names))
