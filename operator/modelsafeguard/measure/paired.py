"""Tests of paired answers, for many slices at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special


def mcnemar(gained: NDArray[Any], lost: NDArray[Any]) -> NDArray[np.float64]:
    """McNemar's exact test: how probable at least so uneven a split of the changed rows is, if either side is as likely."""
    fewer, either = np.minimum(gained, lost), gained + lost
    one_sided = np.where(2 * fewer < either, special.bdtr(fewer, either, 0.5), 0.5)
    p: NDArray[np.float64] = np.minimum(2 * one_sided, 1)
    return p


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values corrected for how many there are: the chance of even one false alarm among them stays that of a single test."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1)
    return corrected
