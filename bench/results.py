"""Numbers, what they are held against, and the table of both."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

COLUMNS = ("what", "target", "measured", "beside", "ratio", "")


@dataclass(frozen=True)
class Result:
    """One number. ``limit`` is the most that it may be: in ``unit``, or, where there is a number ``beside`` it, times that one.

    Without a limit it is there to be known. A number that is not there (NaN) never keeps its limit.
    """

    what: str
    unit: str
    measured: float
    limit: float | None = None
    beside: float | None = None

    @property
    def bound(self) -> float | None:
        """The most that it may be, in ``unit``."""
        return self.limit if self.limit is None or self.beside is None else self.limit * self.beside

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        return None if self.bound is None else self.measured <= self.bound

    @property
    def ratio(self) -> float | None:
        """Measured to what is beside it, else to the limit; None where there is neither, or where it is zero."""
        base = self.limit if self.beside is None else self.beside
        return self.measured / base if base else None

    def row(self) -> tuple[str, ...]:
        """The cells of its line in a table."""
        met = "" if self.met is None else "ok" if self.met else "missed"
        return (
            self.what,
            self._target(),
            *(_cell(value, self.unit) for value in (self.measured, self.beside)),
            _cell(self.ratio, "x"),
            met,
        )

    def json(self) -> dict[str, object]:
        """Everything that is known about it, in types of JSON."""
        numbers = {"measured": self.measured, "limit": self.limit, "beside": self.beside, "bound": self.bound, "ratio": self.ratio}
        finite = {name: value if value is not None and math.isfinite(value) else None for name, value in numbers.items()}
        return {"what": self.what, "unit": self.unit, **finite, "met": self.met}

    def _target(self) -> str:
        if self.limit is None:
            return ""
        return f"≤ {_cell(self.limit, self.unit if self.beside is None else 'x')}"


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that at least ``share`` (0 to 1) of all values do not exceed; NaN of nothing."""
    if not values:
        return math.nan
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns; the first row is its head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    head, *body = ("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows)
    return "\n".join([head, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *body])


def _cell(value: float | None, unit: str) -> str:
    """Three digits that count, and the unit."""
    if value is None:
        return ""
    whole = len(str(int(abs(value)))) if math.isfinite(value) and abs(value) >= 1 else 0
    text = f"{value:,.{max(3 - whole, 0)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit}"
