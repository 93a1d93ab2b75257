"""Examples of rows that changed sides, for a person to read."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from modelsafeguard.core.text import shortened
from modelsafeguard.measure.leakage import ids_of, texts_by_id
from modelsafeguard.measure.live import LiveNumbers
from modelsafeguard.measure.predictions import Predictions

MOST_LOST: Final = 20
MOST_GAINED: Final = 10
OF_A_CLASS: Final = 4
LONGEST_TEXT: Final = 200


@dataclass(frozen=True)
class Flip:
    """A row of the holdout: its text where the trainer wrote it, its label, and both answers ("" for one that has no name here)."""

    text: str
    label: str
    live: str
    candidate: str

    @property
    def lost(self) -> bool:
        """Right before, and wrong now."""
        return self.live == self.label


def flips(output: int, candidate: Predictions | None, live: LiveNumbers) -> tuple[Flip, ...]:
    """Rows that were lost, then rows that were gained: those of the classes with the most of them first, and few of each.

    ``output`` is the candidate's folder, whose holdout.csv has been checked.
    """
    if candidate is None or live.answers is None:
        return ()
    was_right, is_right = candidate.label == live.answers, candidate.label == candidate.predicted
    rows = [
        *_first(candidate, was_right & ~is_right, MOST_LOST),
        *_first(candidate, is_right & ~was_right, MOST_GAINED),
    ]
    keys = list(ids_of(candidate, rows))
    texts = texts_by_id(output, set(keys))
    names, answers = candidate.labels, live.answers
    return tuple(
        Flip(
            text=shortened(" ".join(texts.get(key, "").split()), LONGEST_TEXT),
            label=names[candidate.label[row]],
            live=names[answers[row]] if answers[row] < len(names) else "",
            candidate=names[candidate.predicted[row]],
        )
        for row, key in zip(rows, keys, strict=True)
    )


def _first(candidate: Predictions, changed: NDArray[np.bool_], most: int) -> list[int]:
    of_class: defaultdict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(changed).tolist():
        of_class[int(candidate.label[row])].append(row)
    classes = sorted(of_class.values(), key=len, reverse=True)
    return [row for rows in classes for row in rows[:OF_A_CLASS]][:most]
