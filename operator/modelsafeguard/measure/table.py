"""A CSV file that somebody else wrote: UTF-8, read row by row, within bounds, every fault a sentence."""

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from modelsafeguard.core.text import printable
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.folder import open_file

MAX_COLUMNS: Final = 32
MAX_VALUE: Final = 256  # characters of an id, a label or a slice's value
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def is_short_text(value: str) -> bool:
    """Whether this can be an id, a label or a slice's value."""
    return len(value) <= MAX_VALUE and not _CONTROL.search(value)


@dataclass(frozen=True)
class TableFile:
    """A file's name, its limits, and the reasons that go with what is wrong in it.

    A row, whose quoted values may span lines, has less than ``max_row`` characters.
    """

    name: str
    invalid: Reason
    too_large: Reason
    max_bytes: int
    max_row: int

    def fault(self, fault: str) -> MeasureError:
        """What is wrong in it."""
        return MeasureError(self.invalid, f"{self.name} {fault}: the trainer must be corrected")

    def excess(self, fault: str) -> MeasureError:
        """What there is too much of."""
        return MeasureError(self.too_large, f"{self.name} {fault}")

    def rows(self, folder: int) -> Iterator[tuple[list[str], int]]:
        """The header, however empty, then every row that is not, each with the line in which it ends.

        Raises:
            FileNotFoundError: there is no such file.
            MeasureError: it is too large, not UTF-8 or not CSV.
        """
        with open_file(self.name, folder) as file:
            if os.fstat(file.fileno()).st_size > self.max_bytes:
                raise self.excess(f"is larger than {self.max_bytes >> 20} MiB: use a smaller holdout")
            try:
                yield from self._rows(file)
            except UnicodeDecodeError as error:
                raise self.fault(f"is not UTF-8 near byte {error.start} of a block") from error
            except csv.Error as error:
                raise self.fault(f"is not CSV: {error}") from error

    def _rows(self, file: BinaryIO) -> Iterator[tuple[list[str], int]]:
        csv.field_size_limit(self.max_row)
        with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            lines = _Lines(text, self)
            reader = csv.reader(lines, strict=True)
            yield next(reader, []), reader.line_num
            lines.next_row()
            for record in reader:
                if record:
                    yield record, reader.line_num
                lines.next_row()

    def check_header(self, header: Sequence[str], required: Sequence[str]) -> None:
        """Raises MeasureError when a column is missing, is there twice, or is one too many."""
        for name in required:
            if name not in header:
                raise self.fault(f"has no column {name}: its first line must name {','.join(required)} and may name more")
        if len(set(header)) != len(header):
            raise self.fault("names a column more than once")
        if len(header) > MAX_COLUMNS:
            raise self.fault(f"names more than {MAX_COLUMNS} columns")

    def check_width(self, record: Sequence[str], width: int, place: int) -> None:
        """Raises MeasureError when a row has not as many values as the header."""
        if len(record) != width:
            raise self.fault(f"has {len(record)} values instead of {width} in line {place}")

    def check_value(self, value: str, name: str, place: int) -> str:
        """An id or a label; raises MeasureError for one that nobody could read."""
        if not value:
            raise self.fault(f"has no {name} in line {place}")
        if not is_short_text(value):
            raise self.fault(f"has a {name} in line {place} that is longer than {MAX_VALUE} characters or has control characters")
        return value

    def repeated(self, identity: str, place: int) -> MeasureError:
        """An id that was there before."""
        return self.fault(f"has the id {printable(identity)} twice, again in line {place}")


class _Lines:
    """The file's lines, as many for each row as the csv reader asks for, and never more than a row may have."""

    def __init__(self, text: io.TextIOWrapper, table: TableFile) -> None:
        self._text = text
        self._table = table
        self.next_row()

    def next_row(self) -> None:
        self._left = self._table.max_row

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._left)
        if not line:
            raise StopIteration
        self._left -= len(line)
        if not self._left:
            raise self._table.fault(f"has a row of {self._table.max_row} characters or more")
        return line
