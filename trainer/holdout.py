"""The holdout: which rows are kept from training, and what each is called.

Row ids come from the content (:func:`row_ids`), so predictions of different runs on one holdout join by id, in whatever order the rows
were read. The digest that says two runs were measured on the same rows is :func:`modelsafeguard.core.report.holdout_digest`.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from trainer.errors import TrainerError
from trainer.rows import Row, normalise


def row_ids(rows: Iterable[Row]) -> list[str]:
    """One id a row: 16 hex digits of the sha256 of ``normalised text, U+0000, intent``, a dash, and how many equal rows came before.

    The counter keeps repeated rows apart; the set of ids is the same for any order of the rows.
    """
    seen: Counter[str] = Counter()
    ids = []
    for row in rows:
        content = hashlib.sha256(f"{normalise(row.text)}\0{row.intent}".encode()).hexdigest()[:16]
        ids.append(f"{content}-{seen[content]}")
        seen[content] += 1
    return ids


def stratified_split(rows: Sequence[Row], *, share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Training rows and holdout rows, with about ``share`` (0 to 1) of each intent's distinct texts, at least one, in the holdout.

    Texts are ranked by a hash of seed and text, not shuffled by position. So when the data grow, nearly all rows stay on their side, and
    the live model is not measured on what it was trained on; and a repeated text never stands on both sides.

    Raises :class:`TrainerError` when an intent has fewer than two distinct texts.
    """
    texts: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        texts[row.intent].add(normalise(row.text))
    held: set[tuple[str, str]] = set()
    for intent, distinct in sorted(texts.items()):
        if len(distinct) < 2:  # noqa: PLR2004 - one row to learn from and one to be measured on
            raise TrainerError(f"The intent {intent!r} has only one distinct text: at least two are needed to keep one for the holdout.")
        ranked = sorted(distinct, key=lambda text: hashlib.sha256(f"{seed}\0{text}".encode()).digest())
        size = min(max(1, round(share * len(ranked))), len(ranked) - 1)
        held.update((intent, text) for text in ranked[:size])
    training: list[Row] = []
    holdout: list[Row] = []
    for row in rows:
        (holdout if (row.intent, normalise(row.text)) in held else training).append(row)
    return training, holdout
