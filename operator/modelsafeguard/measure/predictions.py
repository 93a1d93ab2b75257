"""predictions.csv: the candidate's answers on the holdout, row by row, and what follows from them.

Memory is bounded, since measure runs with a limit of 1 GiB. While a file is read there is one bytes object a row, its line of the
holdout digest; all else is numbers: 16 bytes of an id's digest, four for each answer, two for each slice. Texts would take up to four
bytes a character.
"""

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from modelsafeguard.core.contract import PREDICTIONS_FILE
from modelsafeguard.core.report import digest_of_lines, holdout_line
from modelsafeguard.measure.errors import Reason
from modelsafeguard.measure.slices import SliceColumn, SliceReader
from modelsafeguard.measure.table import TableFile

# Peaks of the whole process, of which 120 MiB are there before anything is read: 1,000,000 rows with ids of 20 bytes take 275 MiB, and
# some 320 MiB beside as many stored predictions of the live version. The largest files that these limits let in (256 MiB each,
# characters of four bytes, 10,000 labels of 1 kB, 28 further columns, a metrics.json of 1 MiB, a text for every row and as many digests
# of the training data) take some 580 MiB in a whole publish.
# tests/integration/containers/measure/test_predictions_memory.py measures both kinds of rows again.
MAX_ROWS: Final = 1_000_000
MAX_LABELS: Final = 10_000  # each stands in the report with its counts
MAX_BYTES: Final = 256 << 20
MAX_ROW: Final = 64 << 10

FILE: Final = TableFile(PREDICTIONS_FILE, Reason.PREDICTIONS_INVALID, Reason.PREDICTIONS_TOO_LARGE, MAX_BYTES, MAX_ROW)

ID, LABEL, PREDICTED, LIVE = "id", "label", "predicted", "live_predicted"

# What follows a row's line while the lines are sorted: the id's length in bytes, then the row's number in the file.
_LENGTH_BYTES: Final = 2
_NUMBER_BYTES: Final = 4
_TAIL: Final = _LENGTH_BYTES + _NUMBER_BYTES
ID_DIGEST: Final = "S16"

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Predictions:
    """One holdout with one model's answers, and the live model's where the trainer asked it too.

    Rows stand in the order of the holdout digest's lines, whatever their order in the file was: two files on one holdout have the same
    row at the same place. ``ids`` are their digests, ``labels`` names the codes. ``digest`` identifies the holdout, not the answers.
    ``unusable`` says of each further column that makes no slices why.
    """

    ids: NDArray[np.bytes_]
    labels: tuple[str, ...]
    label: Codes
    predicted: Codes
    live_predicted: Codes | None
    digest: str
    slices: tuple[SliceColumn, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows the holdout has."""
        return len(self.label)


def read_predictions(folder: int, *, slices: bool = True) -> Predictions | None:
    """The checked content of the predictions.csv in ``folder``, with or without its further columns; None when there is none.

    Raises:
        MeasureError: PredictionsTooLarge or PredictionsInvalid, with the line where it can be told.
    """
    rows = FILE.rows(folder)
    try:
        header, _ = next(rows)
    except FileNotFoundError:
        return None
    table = _Table(header, slices=slices)
    for record, place in rows:
        table.add(record, place)
    return table.predictions()


def id_digest(identity: str) -> bytes:
    """An id as it is held: of one length, and short."""
    return hashlib.blake2b(identity.encode(), digest_size=np.dtype(ID_DIGEST).itemsize).digest()


class _Table:
    """The rows so far, each checked when it is added."""

    def __init__(self, header: Sequence[str], *, slices: bool) -> None:
        FILE.check_header(header, (ID, LABEL, PREDICTED))
        self._width = len(header)
        further = [name for name in header if slices and name not in {ID, LABEL, PREDICTED, LIVE}]
        self._slices = [SliceReader(name, header.index(name)) for name in further]
        self._id, self._label = header.index(ID), header.index(LABEL)
        self._answers = {name: (header.index(name), array("i")) for name in (LABEL, PREDICTED, LIVE) if name in header}
        self._codes: dict[str, int] = {}
        self._lines: list[bytes] = []
        self._ids = bytearray()  # their digests
        self._places = array("I")  # the line of the file in which each row ends

    def add(self, record: Sequence[str], place: int) -> None:
        FILE.check_width(record, self._width, place)
        number = len(self._lines)
        if number == MAX_ROWS:
            raise FILE.excess(f"has more than {MAX_ROWS} rows: use a smaller holdout")
        identity = FILE.check_value(record[self._id], ID, place)
        for name, (column, answers) in self._answers.items():
            answers.append(self._code(record[column], name, place))
        for further in self._slices:
            further.add(record[further.column])
        encoded = identity.encode()
        tail = len(encoded).to_bytes(_LENGTH_BYTES) + number.to_bytes(_NUMBER_BYTES)
        self._lines.append(holdout_line(identity, record[self._label]) + tail)
        self._ids += id_digest(identity)
        self._places.append(place)

    def predictions(self) -> Predictions:
        if not self._lines:
            raise FILE.fault("has no rows")
        ids = np.frombuffer(self._ids, dtype=ID_DIGEST)
        self._refuse_repeated(ids)
        # No line is the beginning of another, as a line feed ends it and stands nowhere else: the tails only order equal lines, by id.
        self._lines.sort()
        digest = digest_of_lines(line[:-_TAIL] for line in self._lines)
        tails = np.fromiter((int.from_bytes(line[-_TAIL:]) for line in self._lines), dtype=np.int64, count=len(self._lines))
        order = tails & ((1 << 8 * _NUMBER_BYTES) - 1)
        codes = {name: np.frombuffer(answers, dtype=np.int32)[order] for name, (_, answers) in self._answers.items()}
        return Predictions(
            ids=ids[order],
            labels=tuple(self._codes),
            label=codes[LABEL],
            predicted=codes[PREDICTED],
            live_predicted=codes.get(LIVE),
            digest=digest,
            slices=tuple(further.column_in(order) for further in self._slices if not further.problem),
            unusable={further.name: further.problem for further in self._slices if further.problem},
        )

    def _refuse_repeated(self, ids: NDArray[np.bytes_]) -> None:
        order = np.argsort(ids, kind="stable")
        again = order[1:][ids[order[1:]] == ids[order[:-1]]]
        if again.size:
            number = int(again.min())
            line = self._lines[number]
            identity = line[: int.from_bytes(line[-_TAIL:-_NUMBER_BYTES])].decode()
            raise FILE.repeated(identity, self._places[number])

    def _code(self, label: str, name: str, place: int) -> int:
        code = self._codes.get(label)
        if code is None:
            code = self._codes[FILE.check_value(label, name, place)] = len(self._codes)
            if code == MAX_LABELS:
                raise FILE.excess(f"names more than {MAX_LABELS} distinct labels: measure a model of fewer")
        return code
