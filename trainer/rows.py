"""Labelled texts, and the digests that name them by their content rather than by their place in a file."""

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

from modelsafeguard.core.text import normalise, text_digest
from trainer.errors import TrainerError

__all__ = ["LONGEST_INTENT", "Row", "checked_row", "dataset_digest", "normalise", "text_digest"]

LONGEST_INTENT = 200


class Row(NamedTuple):
    """One example: what a customer wrote, and what was meant."""

    text: str
    intent: str


def checked_row(text: object, intent: object, where: str) -> Row:
    """The row, or a :class:`TrainerError` that names ``where`` it stands.

    An intent must be printable (no control characters, hence no line breaks): it becomes a line of a digest and a column of a report.
    """
    if not isinstance(text, str) or not text.strip():
        raise TrainerError(f"{where}: the text is empty or not a string.")
    if not isinstance(intent, str) or not intent.strip():
        raise TrainerError(f"{where}: the intent is empty or not a string.")
    if not intent.isprintable() or len(intent) > LONGEST_INTENT:
        raise TrainerError(f"{where}: the intent must be printable and at most {LONGEST_INTENT} characters long.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TrainerError(f"{where}: the text holds half of a surrogate pair, which is not valid Unicode.") from None
    return Row(text, intent)


def dataset_digest(rows: Iterable[Row]) -> str:
    """``sha256:`` and 64 hex digits over the rows as sorted JSON lines: equal for the same rows in any order and any file format."""
    lines = sorted(json.dumps([row.text, row.intent], ensure_ascii=False) for row in rows)
    return "sha256:" + hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
