"""The scalars of our JSON: exact decimals and whole-second times, both as strings."""

import re
from datetime import UTC, datetime
from decimal import Decimal

# The CRDs hold the same two facts as ``pattern`` and ``maxLength``; a test compares them.
DECIMAL_PATTERN = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
DECIMAL_LENGTH = 40

_DECIMAL = re.compile(DECIMAL_PATTERN, re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def decimal_from(text: object) -> Decimal:
    """Read a decimal string as it stands, trailing zeros included.

    Raises:
        ValueError: for anything else: a JSON number (a binary float is not what was written), NaN, infinity, an exponent, a leading zero.
    """
    if not isinstance(text, str) or len(text) > DECIMAL_LENGTH or not _DECIMAL.fullmatch(text):
        raise ValueError(f'must be a decimal string such as "0.01", not {shown(text)}')
    return Decimal(text)


def decimal_text(number: Decimal) -> str:
    """Write a decimal in full, without an exponent: ``decimal_from`` reads the same value back.

    Raises:
        ValueError: when it is not finite, or longer than 40 characters.
    """
    # The exponent is looked at first: written out, 1E+999999 alone would be a megabyte.
    if not number.is_finite() or abs(number.adjusted()) >= DECIMAL_LENGTH:
        raise ValueError(f"{number} cannot be written as a decimal of at most {DECIMAL_LENGTH} characters")
    text = format(number, "f")
    if len(text) > DECIMAL_LENGTH:
        raise ValueError(f"{number} cannot be written as a decimal of at most {DECIMAL_LENGTH} characters")
    return text


def time_from(text: object) -> datetime:
    """Read an RFC 3339 time, as UTC.

    Raises:
        ValueError: for anything else, a time without its zone included.
    """
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError(f'must be a time such as "2026-01-31T12:00:00Z", not {shown(text)}')
    return datetime.fromisoformat(text).astimezone(UTC)


def time_text(time: datetime) -> str:
    """Write a time as RFC 3339 in UTC and whole seconds (a fraction is dropped), as Kubernetes does.

    Raises:
        ValueError: when it has no zone: nobody could say which moment is meant.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(value: object) -> str:
    """A foreign value as it may stand in a sentence: short, and on one line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - long enough to recognise a value by
