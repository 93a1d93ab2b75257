"""Slices: the rows of a holdout that share a value of a column. Read with the predictions, and compared one by one."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from modelsafeguard.core.comparison import SliceComparison
from modelsafeguard.core.numbers import p_value
from modelsafeguard.measure.paired import holm, mcnemar
from modelsafeguard.measure.table import MAX_VALUE, is_short_text

MAX_VALUES: Final = 1_000  # of one column; the label has a limit of its own


@dataclass(frozen=True)
class SliceColumn:
    """A column that rows can be told apart by: the code of each row's value, in the rows' order."""

    name: str
    values: tuple[str, ...]
    codes: NDArray[Any]


class SliceReader:
    """A further column of predictions.csv while it is read. ``problem`` says why it makes no slices; then nothing of it is kept."""

    def __init__(self, name: str, column: int) -> None:
        self.name = name
        self.column = column
        self.problem = ""
        self._codes: dict[str, int] = {}
        self._rows = array("H")

    def add(self, value: str) -> None:
        """The value of the next row."""
        if self.problem:
            return
        code = self._codes.get(value)
        if code is None:
            self.problem = self._objection(value)
            if self.problem:
                self._codes, self._rows = {}, array("H")
                return
            code = self._codes[value] = len(self._codes)
        self._rows.append(code)

    def column_in(self, order: NDArray[np.int64]) -> SliceColumn:
        """What was read, its rows in this order."""
        return SliceColumn(self.name, tuple(self._codes), np.frombuffer(self._rows, dtype=np.uint16)[order])

    def _objection(self, value: str) -> str:
        if len(self._codes) == MAX_VALUES:
            return f"it has more than {MAX_VALUES} distinct values"
        return "" if is_short_text(value) else f"it has a value that is longer than {MAX_VALUE} characters or has control characters"


def compare_slices(columns: Sequence[SliceColumn], gained: NDArray[np.bool_], lost: NDArray[np.bool_]) -> list[SliceComparison]:
    """Every value of every column, those first that are least likely by chance; p-values are corrected for all of them together."""
    found = [counted for column in columns for counted in _counted(column, gained, lost)]
    counts = np.array([(gains, losses) for *_, gains, losses in found])
    p_values = holm(mcnemar(counts[:, 0], counts[:, 1])).tolist()
    compared = [SliceComparison(*counted, p_value(p)) for counted, p in zip(found, p_values, strict=True)]
    return sorted(compared, key=lambda one: (one.p_value, one.delta, one.column, one.value))


def _counted(column: SliceColumn, gained: NDArray[np.bool_], lost: NDArray[np.bool_]) -> Iterator[tuple[str, str, int, int, int]]:
    """Column, value, and how many rows there are, were gained and were lost."""
    size = len(column.values)
    counts = (np.bincount(codes, minlength=size).tolist() for codes in (column.codes, column.codes[gained], column.codes[lost]))
    for value, rows, gains, losses in zip(column.values, *counts, strict=True):
        if rows:  # not all that a model answers is a label
            yield column.name, value, rows, gains, losses
