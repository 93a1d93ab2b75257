"""predictions.csv: the candidate's answers on the holdout, row by row, and what follows from them.

Memory is bounded, since measure runs with a limit of 1 GiB. While a file is read there is one bytes object a row, its line of the
holdout digest; all else is numbers: 16 bytes of an id's digest, and four for each answer. Texts would take up to four bytes a character.
"""

import csv
import hashlib
import io
import os
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from modelsafeguard.core.contract import PREDICTIONS_FILE
from modelsafeguard.core.report import digest_of_lines, holdout_line
from modelsafeguard.measure.errors import MeasureError, Reason, printable
from modelsafeguard.measure.folder import open_file

# Peaks of the whole process, of which 120 MiB are there before anything is read: 1,000,000 rows with ids of 20 bytes take 275 MiB, and
# some 320 MiB beside as many stored predictions of the live version. The largest files that these limits let in (256 MiB each,
# characters of four bytes, 10,000 labels of 1 kB, a metrics.json of 1 MiB) take some 570 MiB in a whole publish.
# tests/integration/containers/measure/test_predictions_memory.py measures both kinds of rows again.
MAX_ROWS: Final = 1_000_000
MAX_BYTES: Final = 256 << 20
MAX_LABELS: Final = 10_000  # each stands in the report with its counts
MAX_COLUMNS: Final = 32
MAX_VALUE: Final = 256  # characters of an id or a label
MAX_ROW: Final = 64 << 10  # characters of a row, whose quoted values may span lines

ID, LABEL, PREDICTED, LIVE = "id", "label", "predicted", "live_predicted"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

# What follows a row's line while the lines are sorted: the id's length in bytes, then the row's number in the file.
_LENGTH_BYTES: Final = 2
_NUMBER_BYTES: Final = 4
_TAIL: Final = _LENGTH_BYTES + _NUMBER_BYTES
_ID_DIGEST_BYTES: Final = 16

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Predictions:
    """One holdout with one model's answers, and the live model's where the trainer asked it too.

    Rows stand in the order of the holdout digest's lines, whatever their order in the file was: two files on one holdout have the same
    row at the same place. ``labels`` names the codes; ``id_lengths`` are in bytes. ``digest`` identifies the holdout, not the answers.
    """

    id_lengths: NDArray[np.uint16]
    labels: tuple[str, ...]
    label: Codes
    predicted: Codes
    live_predicted: Codes | None
    digest: str
    slices: tuple[str, ...] = field(default_factory=tuple)

    @property
    def rows(self) -> int:
        """How many rows the holdout has."""
        return len(self.label)


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


def _read(file: BinaryIO) -> Predictions:
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        lines = _Lines(text)
        reader = csv.reader(lines, strict=True)
        table = _Table(next(reader, []))
        lines.next_row()
        for record in reader:
            if record:
                table.add(record, reader.line_num)
            lines.next_row()
    return table.predictions()


class _Lines:
    """The file's lines, as many for each row as the csv reader asks for, and never more than a row may have."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.next_row()

    def next_row(self) -> None:
        self._left = MAX_ROW

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._left)
        if not line:
            raise StopIteration
        self._left -= len(line)
        if not self._left:
            raise _invalid(f"has a row of {MAX_ROW} characters or more")
        return line


class _Table:
    """The rows so far, each checked when it is added."""

    def __init__(self, header: Sequence[str]) -> None:
        for name in (ID, LABEL, PREDICTED):
            if name not in header:
                raise _invalid(f"has no column {name}: its first line must name id,label,predicted and may name more")
        if len(set(header)) != len(header):
            raise _invalid("names a column more than once")
        if len(header) > MAX_COLUMNS:
            raise _invalid(f"names more than {MAX_COLUMNS} columns")
        self._width = len(header)
        self._slices = tuple(name for name in header if name not in {ID, LABEL, PREDICTED, LIVE})
        self._id, self._label = header.index(ID), header.index(LABEL)
        self._answers = {name: (header.index(name), array("i")) for name in (LABEL, PREDICTED, LIVE) if name in header}
        self._codes: dict[str, int] = {}
        self._lines: list[bytes] = []
        self._ids = bytearray()  # their digests
        self._places = array("I")  # the line of the file in which each row ends

    def add(self, record: Sequence[str], place: int) -> None:
        if len(record) != self._width:
            raise _invalid(f"has {len(record)} values instead of {self._width} in line {place}")
        number = len(self._lines)
        if number == MAX_ROWS:
            raise MeasureError(Reason.PREDICTIONS_TOO_LARGE, f"{PREDICTIONS_FILE} has more than {MAX_ROWS} rows: use a smaller holdout")
        identity = self._value(record[self._id], ID, place)
        for name, (column, answers) in self._answers.items():
            answers.append(self._code(record[column], name, place))
        encoded = identity.encode()
        tail = len(encoded).to_bytes(_LENGTH_BYTES) + number.to_bytes(_NUMBER_BYTES)
        self._lines.append(holdout_line(identity, record[self._label]) + tail)
        self._ids += hashlib.blake2b(encoded, digest_size=_ID_DIGEST_BYTES).digest()
        self._places.append(place)

    def predictions(self) -> Predictions:
        if not self._lines:
            raise _invalid("has no rows")
        self._refuse_repeated_ids()
        # No line is the beginning of another, as a line feed ends it and stands nowhere else: the tails only order equal lines, by id.
        self._lines.sort()
        digest = digest_of_lines(line[:-_TAIL] for line in self._lines)
        tails = np.fromiter((int.from_bytes(line[-_TAIL:]) for line in self._lines), dtype=np.int64, count=len(self._lines))
        order = tails & ((1 << 8 * _NUMBER_BYTES) - 1)
        codes = {name: np.frombuffer(answers, dtype=np.int32)[order] for name, (_, answers) in self._answers.items()}
        return Predictions(
            id_lengths=(tails >> 8 * _NUMBER_BYTES).astype(np.uint16),
            labels=tuple(self._codes),
            label=codes[LABEL],
            predicted=codes[PREDICTED],
            live_predicted=codes.get(LIVE),
            digest=digest,
            slices=self._slices,
        )

    def _refuse_repeated_ids(self) -> None:
        ids = np.frombuffer(self._ids, dtype=f"S{_ID_DIGEST_BYTES}")
        order = np.argsort(ids, kind="stable")
        again = order[1:][ids[order[1:]] == ids[order[:-1]]]
        if again.size:
            number = int(again.min())
            line = self._lines[number]
            identity = line[: int.from_bytes(line[-_TAIL:-_NUMBER_BYTES])].decode()
            raise _invalid(f"has the id {printable(identity)} twice, again in line {self._places[number]}")

    def _code(self, label: str, name: str, place: int) -> int:
        code = self._codes.get(label)
        if code is None:
            code = self._codes[self._value(label, name, place)] = len(self._codes)
            if code == MAX_LABELS:
                message = f"{PREDICTIONS_FILE} names more than {MAX_LABELS} distinct labels: measure a model of fewer"
                raise MeasureError(Reason.PREDICTIONS_TOO_LARGE, message)
        return code

    @staticmethod
    def _value(value: str, name: str, place: int) -> str:
        if not value:
            raise _invalid(f"has no {name} in line {place}")
        if len(value) > MAX_VALUE or _CONTROL.search(value):
            raise _invalid(f"has a {name} in line {place} that is longer than {MAX_VALUE} characters or has control characters")
        return value


def _invalid(fault: str) -> MeasureError:
    return MeasureError(Reason.PREDICTIONS_INVALID, f"{PREDICTIONS_FILE} {fault}: the trainer must be corrected")
