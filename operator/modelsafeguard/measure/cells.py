"""Two models on one holdout as counts: how many rows have each combination of label, live answer and candidate's answer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelsafeguard.measure.predictions import Codes


@dataclass(frozen=True)
class Cells:
    """Distinct rows, and how many there are of each.

    Cells and classes are numbered as the rows first meet them: whoever gives the rows in an order that depends on nothing but the holdout
    gets the same cells, whatever the labels are called, and whichever model is the candidate.
    """

    label: NDArray[np.int64]
    live: NDArray[np.int64]
    candidate: NDArray[np.int64]
    counts: NDArray[np.int64]
    classes: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.counts.sum())

    @property
    def changed(self) -> int:
        """How many rows got another answer."""
        return int(self.counts[self.live != self.candidate].sum())

    @property
    def gained(self) -> int:
        """How many rows were wrong and are right."""
        return int(self.counts[(self.live != self.label) & (self.candidate == self.label)].sum())

    @property
    def lost(self) -> int:
        """How many rows were right and are wrong: negative flips."""
        return int(self.counts[(self.live == self.label) & (self.candidate != self.label)].sum())


def cells_of(label: Codes, live: Codes, candidate: Codes) -> Cells:
    """The cells of rows."""
    size = 1 + max(int(codes.max()) for codes in (label, live, candidate))
    keys = (label.astype(np.int64) * size + live) * size + candidate
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    order = np.argsort(first)
    rows = first[order]
    triples = np.stack([label[rows], live[rows], candidate[rows]], axis=1)
    _, met, codes = np.unique(triples, return_index=True, return_inverse=True)
    renumbered = np.argsort(np.argsort(met))[codes].reshape(triples.shape)
    return Cells(renumbered[:, 0], renumbered[:, 1], renumbered[:, 2], counts[order], len(met))
