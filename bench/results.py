"""Numbers, what they are held against, and the table of both."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

COLUMNS = ("what", "target", "measured", "bare handler", "ratio", "")
MISSED = "missed"
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Result:
    """One number. ``limit`` is the most that it may be, in ``unit``; ``times`` the most that it may be in multiples of ``beside``.

    ``beside`` is the bare handler's number, from the same run. Without a limit of either kind a number is there to be known. One that
    is not there (NaN) never keeps its limit. ``remark`` is a sentence that belongs to it.
    """

    what: str
    unit: str
    measured: float
    limit: float | None = None
    times: float | None = None
    beside: float | None = None
    remark: str = ""

    @classmethod
    def missing(cls, what: str, reason: str) -> Self:
        """A target that could not be measured here, and why."""
        return cls(what, "", math.nan, remark=reason)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """What ``json`` gave; what it derived is derived anew."""
        measured = math.nan if body["measured"] is None else body["measured"]
        return cls(**{name: body[name] for name in ("what", "unit", "limit", "times", "beside", "remark")}, measured=measured)

    @property
    def bound(self) -> float | None:
        """The most that it may be, in ``unit``."""
        return self.limit if self.times is None or self.beside is None else self.times * self.beside

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if math.isnan(self.measured):
            return False
        return None if self.bound is None else self.measured <= self.bound

    @property
    def ratio(self) -> float | None:
        """Measured to what is beside it, else to the limit; None where there is neither, or where it is zero."""
        base = self.limit if self.beside is None else self.beside
        return self.measured / base if base else None

    def row(self) -> tuple[str, ...]:
        """The cells of its line in a table."""
        missing = math.isnan(self.measured)
        met = "" if self.met is None else "ok" if self.met else NOT_MEASURED if missing else MISSED
        measured, ratio = ("", "") if missing else (_cell(self.measured, self.unit), _cell(self.ratio, "x"))
        return (self.what, self._target(), measured, _cell(self.beside, self.unit), ratio, met)

    def json(self) -> dict[str, object]:
        """Everything that is known about it, in types of JSON."""
        given = {"measured": self.measured, "limit": self.limit, "times": self.times, "beside": self.beside}
        numbers = {**given, "bound": self.bound, "ratio": self.ratio}
        finite = {name: value if value is not None and math.isfinite(value) else None for name, value in numbers.items()}
        return {"what": self.what, "unit": self.unit, **finite, "met": self.met, "remark": self.remark}

    def _target(self) -> str:
        if self.times is not None:
            return f"≤ {_cell(self.times, 'x')}"
        return "" if self.limit is None else f"≤ {_cell(self.limit, self.unit)}"


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that at least ``share`` (0 to 1) of all values do not exceed; NaN of nothing."""
    if not values:
        return math.nan
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def table(results: Sequence[Result]) -> str:
    """A Markdown table with aligned columns, and below it the remarks."""
    rows = [COLUMNS, *(result.row() for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    head, *body = ("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows)
    lines = [head, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *body]
    remarks = [f"- {result.what}: {result.remark}" for result in results if result.remark]
    return "\n".join([*lines, "", *remarks] if remarks else lines)


def _cell(value: float | None, unit: str) -> str:
    """Three digits that count, and the unit."""
    if value is None:
        return ""
    whole = len(str(int(abs(value)))) if math.isfinite(value) and abs(value) >= 1 else 0
    text = f"{value:,.{max(3 - whole, 0)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit}"
