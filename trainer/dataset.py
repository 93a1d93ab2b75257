"""Finding and reading data files: CSV and JSON lines with the columns ``text`` and ``intent``, and the CLINC150 JSON files."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from trainer.errors import TrainerError
from trainer.rows import Row, checked_row

Split = Literal["train", "test"]

SUFFIXES = (".csv", ".jsonl", ".json")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_NO_NAMES = (".", "..")


def dataset_file(data_dir: Path, name: str) -> Path:
    """The file in ``data_dir`` that a request means by ``name``, with or without its suffix.

    Raises :class:`TrainerError` for a name that is not a plain file name, for no such file, and for two of them.
    """
    if not _NAME.fullmatch(name) or name in _NO_NAMES:
        raise TrainerError(f"The data set name {name!r} is not allowed: use letters, digits, '_', '.' and '-' only.")
    names = [name] if name.endswith(SUFFIXES) else [name + suffix for suffix in SUFFIXES]
    return _one_file(data_dir, names)


def holdout_file(data_dir: Path, path: str) -> Path:
    """The file at a path relative to ``data_dir``; raises :class:`TrainerError` if it is not one of a known format inside it."""
    segments = path.split("/")
    if not all(_NAME.fullmatch(segment) and segment not in _NO_NAMES for segment in segments) or not path.endswith(SUFFIXES):
        raise TrainerError(f"The holdout {path!r} is not allowed: give the path of a {', '.join(SUFFIXES)} file below the data folder.")
    return _one_file(data_dir, [path])


def _one_file(data_dir: Path, names: list[str]) -> Path:
    if not data_dir.is_dir():
        raise TrainerError(f"The data folder {data_dir} does not exist: check spec.data of the ModelDeployment.")
    found = [data_dir / name for name in names if (data_dir / name).is_file()]
    if not found:
        raise TrainerError(f"The data folder {data_dir} holds no file {' or '.join(names)}.")
    if len(found) > 1:
        raise TrainerError(
            f"The data set's name is ambiguous, as there are {' and '.join(path.name for path in found)}: give it with its suffix."
        )
    # Links as such are right: Kubernetes builds its own volumes of them.
    if not found[0].resolve().is_relative_to(data_dir.resolve()):
        raise TrainerError(f"The data file {found[0].name} is a symbolic link that leaves the data folder {data_dir}.")
    return found[0]


def read_rows(path: Path, *, split: Split, include_oos: bool = False) -> list[Row]:
    """The rows of a data file, in its order; at least one.

    A CSV or JSON-lines file is one split: all its rows are read whatever ``split`` says, and further columns are ignored. A CLINC150
    file holds several: ``split`` chooses one, ``val`` is never read (it is there for tuning by hand), and the out-of-scope rows come
    along, as the intent ``oos``, only with ``include_oos``. A UTF-8 byte order mark, as spreadsheets write it, is skipped.

    Raises :class:`TrainerError` with the file and line for whatever is not as described.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TrainerError(f"{path.name} is not UTF-8 text: byte {error.start} cannot be read; save it as UTF-8.") from None
    except OSError as error:
        raise TrainerError(f"{path.name} cannot be read: {error.strerror}.") from None
    if path.suffix == ".json":
        rows = list(_clinc_rows(path.name, text, split, include_oos=include_oos))
    else:
        rows = list(_READERS[path.suffix](path.name, text))
    if not rows:
        raise TrainerError(f"{path.name} holds no rows.")
    return rows


def _csv_rows(name: str, text: str) -> Iterator[Row]:
    # strict: without it an unclosed quote silently swallows the rest of the file into one row.
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = {"text", "intent"}.difference(reader.fieldnames or ())
        if missing:
            raise TrainerError(
                f"{name} must begin with a header that names the columns text and intent; {' and '.join(sorted(missing))} missing."
            )
        for record in reader:
            where = f"{name}, line {reader.line_num}"
            if None in record or None in record.values():
                raise TrainerError(f"{where}: the number of columns differs from the header's; a text that holds a comma must be quoted.")
            yield checked_row(record["text"], record["intent"], where)
    except csv.Error as error:
        raise TrainerError(f"{name}, line {reader.line_num}: not valid CSV ({error}).") from None


def _jsonl_rows(name: str, text: str) -> Iterator[Row]:
    # Split at line feeds only: str.splitlines would also cut inside a JSON string, at characters such as U+2028.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        record = _parsed(line, where)
        if not isinstance(record, dict):
            raise TrainerError(f"{where}: expected a JSON object with text and intent.")
        yield checked_row(record.get("text"), record.get("intent"), where)


def _clinc_rows(name: str, text: str, split: Split, *, include_oos: bool) -> Iterator[Row]:
    document = _parsed(text, name)
    for part in (split, f"oos_{split}") if include_oos else (split,):
        pairs = document.get(part) if isinstance(document, dict) else None
        if not isinstance(pairs, list):
            raise TrainerError(f"{name} is not a CLINC150 file: it has no list {part!r}.")
        for number, pair in enumerate(pairs):
            where = f"{name}, {part}[{number}]"
            if not isinstance(pair, list) or len(pair) != len(Row._fields):
                raise TrainerError(f"{where}: expected a list of text and intent.")
            yield checked_row(pair[0], pair[1], where)


def _parsed(text: str, where: str) -> object:
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        raise TrainerError(f"{where}: not valid JSON.") from None
    return parsed


_READERS: MappingProxyType[str, Callable[[str, str], Iterator[Row]]] = MappingProxyType({".csv": _csv_rows, ".jsonl": _jsonl_rows})
