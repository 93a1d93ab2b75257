"""Rows drawn with replacement, as counts of their cells: exactly multinomial, and far faster than row by row.

A multinomial is what independent Poisson numbers are, once their sum is known. So each rare cell gets a Poisson number of somewhat less
than its share, and what is then missing from the sum is drawn row by row (docs/decisions/0016).
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

# Cells of more rows are drawn by numpy's multinomial, which needs some 80 ns for each.
FREQUENT: Final = 100
# How many counts are held at once. They take four bytes each, and as much again while they are added up.
_HELD: Final = 1 << 23
# By so many standard deviations of their sum the Poisson numbers fall short.
_SHORT: Final = 4

_SLOTS: Final = 1 << 16  # as many as two random bytes can name
_UNDECIDED: Final = _SLOTS - 1  # no Poisson number that is drawn here is as large

Sums = NDArray[np.int32]


class Resampler:
    """Draws as many rows as there are, again and again, and adds up what they bring.

    ``effects`` has a row for each sum and a column for each cell.
    """

    def __init__(self, counts: NDArray[np.int64], effects: sparse.csr_array, rng: np.random.Generator) -> None:
        order = np.argsort(-counts, kind="stable")
        self._rng = rng
        self._counts = counts[order]
        # The first sum is how many rows were drawn.
        self._effects = sparse.vstack([np.ones((1, len(counts))), effects]).tocsr()[:, order].astype(np.int32)
        self._frequent = int(np.count_nonzero(counts > FREQUENT))
        rare = self._counts[self._frequent :]
        self._rare_rows = np.repeat(np.arange(self._frequent, len(counts)), rare)  # the cell of each
        self._groups = list(_groups(rare, self._frequent))
        self._cells_first = self._effects.T.tocsr()

    def sums(self, resamples: int) -> Iterator[Sums]:
        """The sums of so many resamples: blocks of columns."""
        block = max(_HELD // max(self._effects.shape), 1)
        for begin in range(0, resamples, block):
            yield self._block(min(block, resamples - begin))

    def _block(self, size: int) -> Sums:
        frequent, rows = self._frequent, self._counts.sum()
        shares = np.append(self._counts[:frequent], len(self._rare_rows)) / rows
        drawn = np.zeros((len(self._counts), size), dtype=np.int32)
        drawn[:frequent] = self._rng.multinomial(rows, shares, size=size)[:, :-1].T
        of_frequent = self._effects[:, :frequent] @ drawn[:frequent]
        for begin, end, numbers in self._groups:
            drawn[begin:end] = numbers.draw(self._rng, (end - begin, size))
        of_rare = self._effects[:, frequent:] @ drawn[frequent:]
        of_rare[:, of_frequent[0] + of_rare[0] > rows] = 0  # too many: all rare rows of that resample are drawn one by one
        sums: Sums = of_frequent + of_rare
        return (sums + self._row_by_row(rows - sums[0]))[1:]

    def _row_by_row(self, missing: NDArray[np.int64]) -> Sums:
        """What so many rare rows bring, for each resample."""
        rows = self._rng.integers(max(len(self._rare_rows), 1), size=int(missing.sum()))
        places = np.append(0, np.cumsum(missing))
        picked = sparse.csr_array(
            (np.ones(len(rows), dtype=np.int32), self._rare_rows[rows], places), shape=(len(missing), len(self._counts))
        )
        sums: Sums = (picked @ self._cells_first).toarray().T
        return sums


def _groups(rare: NDArray[np.int64], offset: int) -> "Iterator[tuple[int, int, _Poisson]]":
    """The cells of equal counts, which stand together, and their Poisson numbers; none where so few rows would be drawn at once."""
    thinned = 1 - _SHORT / math.sqrt(max(rare.sum(), 1))
    if thinned <= 0:
        return
    borders = np.flatnonzero(np.diff(rare, prepend=0, append=0))
    for begin, end in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        yield offset + begin, offset + end, _Poisson(thinned * rare[begin])


class _Poisson:
    """Poisson numbers of one mean, up to some hundred, by inversion of the distribution.

    A uniform number falls into one of 65,536 slots. In nearly all of them the slot alone decides; in the others further bits do.
    """

    def __init__(self, mean: float) -> None:
        self._distribution = special.pdtr(np.arange(int(mean + 12 * math.sqrt(mean) + 40)), mean)
        self._table = np.searchsorted(self._distribution, np.arange(_SLOTS) / _SLOTS, side="right").astype(np.uint16)
        borders = (self._distribution[self._distribution < 1] * _SLOTS).astype(np.int64)
        self._table[borders] = _UNDECIDED

    def draw(self, rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint16]:
        slots = np.frombuffer(rng.bytes(2 * shape[0] * shape[1]), dtype="<u2")
        numbers = self._table[slots]
        undecided = np.flatnonzero(numbers == _UNDECIDED)
        exactly = (slots[undecided] + rng.random(len(undecided))) / _SLOTS
        numbers[undecided] = np.searchsorted(self._distribution, exactly, side="right")
        drawn: NDArray[np.uint16] = numbers.reshape(shape)
        return drawn
