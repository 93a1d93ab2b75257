"""Rows drawn with replacement, as counts of their cells: exactly multinomial, and far faster than row by row.

A multinomial is what independent Poisson numbers are, once their sum is known. So each rare cell gets a Poisson number of somewhat less
than its share, and what is then missing from the sum is drawn row by row (docs/decisions/0016).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

# Cells of more rows are drawn by numpy's multinomial, which needs some 80 ns for each.
FREQUENT: Final = 100
# How many numbers are held at once, of four bytes each; and at most so many resamples of one cell, so that they stay in the cache.
_HELD: Final = 1 << 23
_SIDE_BY_SIDE: Final = 2_000
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
        self._rng = rng
        self._rows = int(counts.sum())
        order = np.argsort(-counts, kind="stable")
        border = int(np.count_nonzero(counts > FREQUENT))
        frequent, rare = order[:border], order[border:]
        # The first sum is how many rows were drawn.
        effects = sparse.vstack([np.ones((1, len(counts))), effects]).tocsc().astype(np.int32)
        self._side_by_side = max(min(_HELD // effects.shape[0], _SIDE_BY_SIDE), 1)
        self._shares = np.append(counts[frequent], counts[rare].sum()) / self._rows
        self._of_frequent = effects[:, frequent].tocsr()
        self._of_rare = effects[:, rare].T.tocsr()
        self._pieces = list(_pieces(counts[rare], effects[:, rare], _HELD // self._side_by_side))
        self._cell_of_row = np.repeat(np.arange(len(rare)), counts[rare])

    def sums(self, resamples: int) -> Iterator[Sums]:
        """The sums of so many resamples: blocks of columns."""
        for begin in range(0, resamples, self._side_by_side):
            yield self._block(min(self._side_by_side, resamples - begin))

    def _block(self, size: int) -> Sums:
        frequent = self._rng.multinomial(self._rows, self._shares, size=size)[:, :-1].T  # the last is how many rows are rare
        of_frequent: Sums = self._of_frequent @ frequent.astype(np.int32)
        of_rare = np.zeros_like(of_frequent)
        for piece in self._pieces:
            of_rare += piece.sums(self._rng, size)
        of_rare[:, of_frequent[0] + of_rare[0] > self._rows] = 0  # too many: all rare rows of that resample are drawn one by one
        sums = of_frequent + of_rare
        complete: Sums = sums + self._row_by_row(self._rows - sums[0])
        return complete[1:]

    def _row_by_row(self, missing: NDArray[np.int32]) -> Sums:
        """What so many rare rows bring, for each resample."""
        places = np.append(0, np.cumsum(missing))
        cells = self._cell_of_row[self._rng.integers(max(len(self._cell_of_row), 1), size=places[-1])]
        picked = sparse.csr_array((np.ones(len(cells), dtype=np.int32), cells, places), shape=(len(missing), self._of_rare.shape[0]))
        sums: Sums = (picked @ self._of_rare).toarray().T
        return sums


@dataclass(frozen=True)
class _Piece:
    """Some rare cells: what they bring, and the Poisson numbers of those of equal counts, which stand together."""

    effects: sparse.csr_array
    groups: "Sequence[tuple[int, int, _Poisson]]"

    def sums(self, rng: np.random.Generator, size: int) -> Sums:
        drawn = np.empty((self.effects.shape[1], size), dtype=np.int32)
        for begin, end, numbers in self.groups:
            drawn[begin:end] = numbers.draw(rng, (end - begin, size))
        sums: Sums = self.effects @ drawn
        return sums


def _pieces(rare: NDArray[np.int64], effects: sparse.csc_array, cells: int) -> Iterator[_Piece]:
    """The rare cells, so many at a time; none where there are so few rows that nothing is left when the numbers fall short."""
    thinned = 1 - _SHORT / math.sqrt(max(rare.sum(), 1))
    if thinned <= 0:
        return
    poisson = {count: _Poisson(thinned * count) for count in np.unique(rare).tolist()}
    for first in range(0, len(rare), cells):
        part = rare[first : first + cells]
        borders = np.flatnonzero(np.diff(part, prepend=0, append=0)).tolist()
        groups = [(begin, end, poisson[int(part[begin])]) for begin, end in pairwise(borders)]
        yield _Piece(effects[:, first : first + cells].tocsr(), groups)


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
