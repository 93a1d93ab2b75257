"""How sure the deltas of accuracy and F1 are: a paired bootstrap of the cells of a holdout."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from modelsafeguard.core.comparison import CONFIDENCE, RESAMPLES
from modelsafeguard.measure.cells import Cells
from modelsafeguard.measure.resampling import Resampler

# So many counts are drawn, which takes some 10 s, and more only for the sake of the fewest resamples.
MAX_DRAWN: Final = 600_000_000
FEWEST: Final = 1_000
GENERATOR: Final = "PCG64"

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Spread:
    """Where the middle 95 % of the resampled deltas lie, and their standard deviation."""

    lower: float
    upper: float
    standard_error: float


def seed_of(holdout_digest: str) -> int:
    """The seed for a holdout."""
    return int(hashlib.sha256(f"paired bootstrap of {holdout_digest}".encode()).hexdigest(), 16)


def resamples_for(cells: Cells) -> int:
    """How many resamples are drawn: ``RESAMPLES``, and fewer for more cells than any but a hostile holdout has."""
    return min(RESAMPLES, max(FEWEST, MAX_DRAWN // len(cells.counts)))


def spreads(cells: Cells, seed: int) -> dict[str, Spread]:
    """The spread of each metric's delta, candidate minus live."""
    resampler = Resampler(cells.counts, _effects(cells), np.random.Generator(np.random.PCG64(seed)))
    blocks = [_deltas(sums, cells) for sums in resampler.sums(resamples_for(cells))]
    tail = (1 - CONFIDENCE) / 2
    found = {}
    for name in blocks[0]:
        deltas = np.concatenate([block[name] for block in blocks])
        lower, upper = np.quantile(deltas, [tail, 1 - tail])
        found[name] = Spread(float(lower), float(upper), float(np.std(deltas)))
    return found


def _effects(cells: Cells) -> sparse.csr_array:
    """What one row of each cell adds to a class: to its rows, both models' answers, and both models' right answers."""
    every, size = np.arange(len(cells.counts)), cells.classes
    live_right, right = every[cells.live == cells.label], every[cells.candidate == cells.label]
    classes = [cells.label, cells.live, cells.candidate, cells.label[live_right], cells.label[right]]
    columns = [every, every, every, live_right, right]
    rows = np.concatenate([block * size + codes for block, codes in enumerate(classes)])
    return sparse.csr_array((np.ones(len(rows), dtype=np.int32), (rows, np.concatenate(columns))), shape=(5 * size, len(every)))


def _deltas(sums: Numbers, cells: Cells) -> Mapping[str, Numbers]:
    """The deltas in each resample, as scikit-learn would compute them of its rows (scores.scores)."""
    rows, live_answers, answers, live_right, right = sums.reshape(5, cells.classes, -1)
    before, after = _f1(rows, live_answers, live_right), _f1(rows, answers, right)
    return {
        "accuracy": (right.sum(axis=0) - live_right.sum(axis=0)) / cells.rows,
        "f1_macro": _mean(after, rows + answers) - _mean(before, rows + live_answers),
        "f1_weighted": ((after - before) * rows).sum(axis=0) / cells.rows,
    }


def _f1(rows: Numbers, answers: Numbers, right: Numbers) -> Numbers:
    f1: Numbers = 2 * right / np.maximum(rows + answers, 1)
    return f1


def _mean(f1: Numbers, present: Numbers) -> Numbers:
    """Over the classes that are there at all."""
    mean: Numbers = f1.sum(axis=0) / np.count_nonzero(present, axis=0)
    return mean
