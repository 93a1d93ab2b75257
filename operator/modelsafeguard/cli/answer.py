"""What a verb answers: text for a person, and an exit status for a script."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

DONE = 0
FAILED = 1  # the cluster, or a file, did not let it
MISUSED = 2  # argparse's own
NOT_ACCEPTED = 3  # it was done, and the answer is no


@dataclass(frozen=True)
class Answer:
    """What is written to standard output, and how the process ends."""

    text: str
    status: int = DONE


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows as lines with aligned columns, the first being the heading, as kubectl writes them."""
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip_longest(*lines, fillvalue="")]
    return "\n".join("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip() for line in lines)
