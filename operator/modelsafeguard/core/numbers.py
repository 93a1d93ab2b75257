"""Metrics as decimals: which values are legal, and how they are written.

A metric becomes a Decimal from its written text and is never a binary float in between: 0.90 - 0.89 is exactly 0.01.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

COUNTS: Final = ("n_classes", "n_features", "n_samples")
METRIC_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
LARGEST: Final = Decimal(10) ** 15

# Digits after the point in a compact report. Live and candidate are rounded at the same place by the same rule.
COMPACT_DIGITS: Final = 10

# A probability of three digits, however small it is.
P_VALUE_PATTERN: Final = r"^(1|0\.[0-9]{1,8}|[1-9](\.[0-9]{1,2})?e-[0-9]{1,3})$"
_P_VALUE: Final = re.compile(P_VALUE_PATTERN, re.ASCII)
_SMALLEST_P: Final = 1e-300  # what is too small for a double is no larger than this, and never 0

# Exact for every legal metric of a report (15 digits before the point, 10 after it), and free of traps: a hostile exponent
# is rounded away instead of raising an error or filling the memory.
_ARITHMETIC: Final = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[])
_SENTENCE_DIGITS: Final = range(4, 41)
_LABELS: Final[Mapping[str, str]] = {"f1_macro": "F1"}


class PValue(Decimal):
    """A p-value above 0, rounded to three digits: ``p_value`` makes it, ``p_text`` writes it."""


def p_value(probability: float) -> PValue:
    """A computed p-value."""
    return PValue(f"{min(max(probability, _SMALLEST_P), 1):.3g}")


def p_text(value: PValue) -> str:
    """A p-value as text: "0.0481", "3.05e-41"."""
    return f"{value:.3g}"


def p_value_from(text: object) -> PValue:
    """Read what ``p_text`` wrote.

    Raises:
        ValueError: for anything else, 0 included.
    """
    if not isinstance(text, str) or not _P_VALUE.fullmatch(text) or not (value := PValue(text)):
        raise ValueError('must be a p-value such as "0.0481" or "3.05e-41"')
    return value


def label(name: str) -> str:
    """The metric's name in a sentence: f1_macro is called "F1", all others go by their own name."""
    return _LABELS.get(name, name)


def is_fraction(name: str) -> bool:
    """Whether the metric lies in [0, 1] by definition."""
    return name in {"accuracy", "f1"} or name.startswith("f1_")


def objection(name: str, value: Decimal) -> str:
    """What is wrong with this value of this metric, as a sentence; empty when the value is legal."""
    if not value.is_finite():
        return f"{name} is {value}, which is not a finite number"
    if is_fraction(name) and not 0 <= value <= 1:
        return f"{name} is {brief(value)}, outside its range from 0 to 1"
    if name in COUNTS and not (0 <= value <= LARGEST and value == value.to_integral_value()):
        return f"{name} is {brief(value)}, which is not a count"
    if not -LARGEST <= value <= LARGEST:
        return f"{name} is {brief(value)}, which is too large to be compared"
    return ""


def difference(candidate: Decimal, live: Decimal) -> Decimal:
    """Candidate minus live, exact for legal metrics."""
    return _ARITHMETIC.subtract(candidate, live)


def compact(value: Decimal) -> str:
    """A legal value as text, with at most ten digits after the point, no exponent and no trailing zeros: "0.8542", "150"."""
    rounded = value.quantize(Decimal(1).scaleb(-COMPACT_DIGITS), context=_ARITHMETIC)
    return f"{abs(rounded) if rounded.is_zero() else rounded:f}".rstrip("0").rstrip(".")


def brief(value: Decimal) -> str:
    """Any value for a sentence, however long it was written."""
    return f"{value:.12g}"


def signed(delta: Decimal, max_drop: Decimal) -> str:
    """A finite delta as a sentence shows it: "+0.0500". Four digits, or as many more as the truth needs.

    What is shown must not contradict the decision: a change that is not zero is not shown as zero, and a delta on one side of
    ``-max_drop`` is not shown on the other (-0.01004 against a tolerance of 0.01 is shown as "-0.01004", not as "-0.0100").
    """
    for digits in _SENTENCE_DIGITS:
        shown = delta.quantize(Decimal(1).scaleb(-digits), context=_ARITHMETIC)
        if bool(shown) == bool(delta) and (shown >= -max_drop) == (delta >= -max_drop):
            break
    return f"{shown or abs(shown):+f}"
