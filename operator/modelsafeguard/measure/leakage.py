"""Holdout rows that were trained on, by the sha256 of their normalised text."""

from binascii import Error, unhexlify
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import fstat
from typing import Final

import numpy as np

from modelsafeguard.core.comparison import Leakage, Part, Unmeasured
from modelsafeguard.core.contract import HOLDOUT_FILE, PREDICTIONS_FILE, TRAIN_DIGESTS_FILE
from modelsafeguard.core.text import text_digest
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.folder import open_file, open_path
from modelsafeguard.measure.live import LiveNumbers
from modelsafeguard.measure.predictions import ID, ID_DIGEST, MAX_ROWS, Predictions, id_digest
from modelsafeguard.measure.table import TableFile

TEXTS: Final = TableFile(HOLDOUT_FILE, Reason.HOLDOUT_INVALID, Reason.HOLDOUT_TOO_LARGE, max_bytes=1 << 30, max_row=1 << 20)
MAX_DIGESTS: Final = 1 << 30  # bytes of train-digests.txt: some 16 million lines
_TEXT: Final = "text"
_DIGITS: Final = 64
_LONGEST_LINE: Final = _DIGITS + len(BOM_UTF8) + len("\r\n")

# How many rows have each text, by its digest.
Texts = Mapping[bytes, int]


@dataclass(frozen=True)
class LeakageFound:
    """What was found out, and why not more."""

    leakage: Leakage | None = None
    not_measured: Mapping[Part, Unmeasured] = field(default_factory=dict)


def measure_leakage(store: int, output: int, candidate: Predictions | None, live: LiveNumbers) -> LeakageFound:
    """How many rows of the candidate's holdout were in its own training data, and how many in the live model's.

    Raises:
        MeasureError: a file of the candidate's is malformed, too large, or contradicts its predictions.
    """
    if candidate is None:
        return LeakageFound(not_measured={Part.LEAKAGE: Unmeasured.NO_PREDICTIONS})
    try:
        texts = _texts(output, candidate)
    except FileNotFoundError:
        return LeakageFound(not_measured={Part.LEAKAGE: Unmeasured.NO_HOLDOUT_TEXTS})
    try:
        leaked = _leaked(output, texts)
    except FileNotFoundError:
        return LeakageFound(not_measured={Part.LEAKAGE: Unmeasured.NO_TRAIN_DIGESTS})
    live_leaked = _live_leaked(store, live, texts)
    if isinstance(live_leaked, Unmeasured):
        return LeakageFound(Leakage(candidate.rows, leaked), {Part.LIVE_LEAKAGE: live_leaked})
    return LeakageFound(Leakage(candidate.rows, leaked, live_leaked))


def _live_leaked(store: int, live: LiveNumbers, texts: Texts) -> int | Unmeasured:
    """A fault in the live version's file is none of the candidate's."""
    if not live.folder:
        return live.unmeasured or Unmeasured.NO_LIVE_VERSION
    try:
        with open_path(live.folder, store) as folder:
            return _leaked(folder, texts)
    except FileNotFoundError:
        return Unmeasured.NO_TRAIN_DIGESTS
    except MeasureError:
        return Unmeasured.TRAIN_DIGESTS_INVALID


def _texts(folder: int, candidate: Predictions) -> Texts:
    """The texts of the rows that were predicted; holdout.csv may hold more."""
    rows = TEXTS.rows(folder)
    header, _ = next(rows)
    TEXTS.check_header(header, (ID, _TEXT))
    identity, text = header.index(ID), header.index(_TEXT)
    digests: dict[bytes, bytes] = {}
    for record, place in rows:
        TEXTS.check_width(record, len(header), place)
        key = id_digest(TEXTS.check_value(record[identity], ID, place))
        if key in digests:
            raise TEXTS.repeated(record[identity], place)
        if len(digests) == MAX_ROWS:
            raise TEXTS.excess(f"has more than {MAX_ROWS} rows: use a smaller holdout")
        digests[key] = bytes.fromhex(text_digest(record[text]))
    predicted = list(ids_of(candidate))
    missing = sum(key not in digests for key in predicted)
    if missing:
        raise TEXTS.fault(f"has no text for {missing} of the {len(predicted)} ids of {PREDICTIONS_FILE}")
    return Counter(digests[key] for key in predicted)


def ids_of(candidate: Predictions, rows: Sequence[int] | None = None) -> Iterator[bytes]:
    """The digests of the ids of these rows, or of all, whole: numpy itself would take zeros at the end for padding."""
    ids = candidate.ids if rows is None else candidate.ids[list(rows)]
    raw, size = ids.tobytes(), np.dtype(ID_DIGEST).itemsize
    return (raw[place : place + size] for place in range(0, len(raw), size))


def texts_by_id(folder: int, wanted: Collection[bytes]) -> dict[bytes, str]:
    """The texts of a few rows, by their ids' digests, from a holdout.csv that has been checked; empty where there is none."""
    rows = TEXTS.rows(folder)
    try:
        header, _ = next(rows)
    except FileNotFoundError:
        return {}
    identity, text = header.index(ID), header.index(_TEXT)
    named = ((id_digest(record[identity]), record[text]) for record, _ in rows)
    return {key: found for key, found in named if key in wanted}


def _leaked(folder: int, texts: Texts) -> int:
    """How many rows have a text that is in the folder's train-digests.txt."""
    return sum(texts[digest] for digest in {digest for digest in _trained_on(folder) if digest in texts})


def _trained_on(folder: int) -> Iterator[bytes]:
    """The digests in the folder's train-digests.txt, one after another.

    Raises:
        FileNotFoundError: there is none.
        MeasureError: it is too large, or not what it should be.
    """
    with open_file(TRAIN_DIGESTS_FILE, folder) as file:
        if fstat(file.fileno()).st_size > MAX_DIGESTS:
            fault = f"{TRAIN_DIGESTS_FILE} is larger than {MAX_DIGESTS >> 20} MiB: write each digest once, or leave the file out"
            raise MeasureError(Reason.TRAIN_DIGESTS_TOO_LARGE, fault)
        line, number, found = file.readline(_LONGEST_LINE).removeprefix(BOM_UTF8), 1, False
        while line:
            if digits := line.rstrip(b"\r\n"):
                found = True
                yield _digest(digits, number)
            line, number = file.readline(_LONGEST_LINE), number + 1
    if not found:
        raise _invalid("has no digest, and there is no training without a row")


def _digest(digits: bytes, number: int) -> bytes:
    try:
        digest = unhexlify(digits)
    except Error:
        digest = b""
    if len(digits) != _DIGITS or not digest:
        raise _invalid(f"has something else than {_DIGITS} hex digits in line {number}")
    return digest


def _invalid(fault: str) -> MeasureError:
    return MeasureError(Reason.TRAIN_DIGESTS_INVALID, f"{TRAIN_DIGESTS_FILE} {fault}: the trainer must be corrected")
