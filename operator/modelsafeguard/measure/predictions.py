"""predictions.csv: the candidate's answers on the holdout, row by row, and what follows from them.

Memory is bounded: at most ``MAX_ROWS`` rows and ``MAX_BYTES`` bytes; labels are kept as numbers.
"""

import csv
import io
import os
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score

from modelsafeguard.core.contract import PREDICTIONS_FILE
from modelsafeguard.core.report import holdout_digest
from modelsafeguard.measure.errors import MeasureError, Reason, printable
from modelsafeguard.measure.folder import open_file

MAX_ROWS: Final = 1_000_000
MAX_BYTES: Final = 256 << 20
MAX_LABELS: Final = 100_000
MAX_VALUE: Final = 256  # characters of an id or a label
_MAX_LINE: Final = 64 << 10

ID, LABEL, PREDICTED, LIVE = "id", "label", "predicted", "live_predicted"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Predictions:
    """One holdout with one model's answers, and the live model's where the trainer asked it too.

    ``labels`` names the codes; ``rows`` maps each id to its row. ``digest`` identifies the holdout, not the answers.
    """

    rows: dict[str, int]
    labels: tuple[str, ...]
    label: Codes
    predicted: Codes
    live_predicted: Codes | None
    digest: str
    slices: tuple[str, ...] = field(default_factory=tuple)


def read_predictions(folder: int, name: str = PREDICTIONS_FILE) -> Predictions | None:
    """The checked content of a predictions.csv in ``folder``; None when there is none.

    Raises:
        MeasureError: PredictionsTooLarge or PredictionsInvalid, with the line where it can be told.
    """
    try:
        with open_file(name, folder) as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise MeasureError(Reason.PREDICTIONS_TOO_LARGE, f"{name} is larger than {MAX_BYTES >> 20} MiB: use a smaller holdout")
            return _read(file)
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise _invalid(f"is not UTF-8 near byte {error.start} of a block") from error
    except csv.Error as error:
        raise _invalid(f"is not CSV: {error}") from error


def scores(label: Codes, predicted: Codes) -> dict[str, Decimal]:
    """Accuracy and the F1 means by scikit-learn: classes are the union of label and predicted, ``zero_division=0``."""
    values = {
        "accuracy": accuracy_score(label, predicted),
        "f1_macro": f1_score(label, predicted, average="macro", zero_division=0),
        "f1_weighted": f1_score(label, predicted, average="weighted", zero_division=0),
    }
    return {name: Decimal(repr(float(value))) for name, value in values.items()}


def class_counts(predictions: Predictions) -> dict[str, dict[str, int]]:
    """For each label: how many holdout rows have it, how many were predicted as it, and how many of those rightly."""
    size = len(predictions.labels)
    right = predictions.label == predictions.predicted
    columns = (
        np.bincount(predictions.label, minlength=size),
        np.bincount(predictions.predicted, minlength=size),
        np.bincount(predictions.label[right], minlength=size),
    )
    return {
        label: {"rows": int(rows), "predicted": int(predicted), "right": int(hits)}
        for label, rows, predicted, hits in zip(predictions.labels, *columns, strict=True)
        if rows or predicted
    }


def _read(file: BinaryIO) -> Predictions:
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(_lines(text), strict=True)
        table = _Table(next(reader, []))
        for record in reader:
            if record:
                table.add(record, reader.line_num)
    return table.predictions()


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise _invalid(f"has a line of {_MAX_LINE} characters or more")
        yield line


class _Table:
    """The rows so far, each checked when it is added."""

    def __init__(self, header: Sequence[str]) -> None:
        for name in (ID, LABEL, PREDICTED):
            if name not in header:
                raise _invalid(f"has no column {name}: its first line must name id,label,predicted and may name more")
        if len(set(header)) != len(header):
            raise _invalid("names a column more than once")
        self._width = len(header)
        self._slices = tuple(name for name in header if name not in {ID, LABEL, PREDICTED, LIVE})
        self._id = header.index(ID)
        self._answers = {name: (header.index(name), array("i")) for name in (LABEL, PREDICTED, LIVE) if name in header}
        self._rows: dict[str, int] = {}
        self._codes: dict[str, int] = {}

    def add(self, record: Sequence[str], line: int) -> None:
        if len(record) != self._width:
            raise _invalid(f"has {len(record)} values instead of {self._width} in line {line}")
        identity = self._value(record[self._id], ID, line)
        if identity in self._rows:
            raise _invalid(f"has the id {printable(identity)} twice, again in line {line}")
        if len(self._rows) == MAX_ROWS:
            raise MeasureError(Reason.PREDICTIONS_TOO_LARGE, f"{PREDICTIONS_FILE} has more than {MAX_ROWS} rows: use a smaller holdout")
        self._rows[identity] = len(self._rows)
        for name, (column, answers) in self._answers.items():
            value = self._value(record[column], name, line)
            answers.append(self._codes.setdefault(value, len(self._codes)))
        if len(self._codes) > MAX_LABELS:
            raise MeasureError(Reason.PREDICTIONS_TOO_LARGE, f"{PREDICTIONS_FILE} names more than {MAX_LABELS} distinct labels")

    def predictions(self) -> Predictions:
        if not self._rows:
            raise _invalid("has no rows")
        labels = tuple(self._codes)
        codes = {name: np.frombuffer(answers, dtype=np.int32) for name, (_, answers) in self._answers.items()}
        return Predictions(
            rows=self._rows,
            labels=labels,
            label=codes[LABEL],
            predicted=codes[PREDICTED],
            live_predicted=codes.get(LIVE),
            digest=holdout_digest((identity, labels[code]) for identity, code in zip(self._rows, codes[LABEL].tolist(), strict=True)),
            slices=self._slices,
        )

    @staticmethod
    def _value(value: str, name: str, line: int) -> str:
        if not value:
            raise _invalid(f"has no {name} in line {line}")
        if len(value) > MAX_VALUE or _CONTROL.search(value):
            raise _invalid(f"has a {name} in line {line} that is longer than {MAX_VALUE} characters or has control characters")
        return value


def _invalid(fault: str) -> MeasureError:
    return MeasureError(Reason.PREDICTIONS_INVALID, f"{PREDICTIONS_FILE} {fault}: the trainer must be corrected")
