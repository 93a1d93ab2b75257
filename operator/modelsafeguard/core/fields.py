"""Taking an untrusted JSON object apart: each field once, checked for type, form and range; what is left over is refused."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from modelsafeguard.core.errors import ReportInvalidError
from modelsafeguard.core.numbers import METRIC_NAME, PValue, objection, p_value_from

MOST_METRICS: Final = 32
MOST_ROWS: Final = 10**9

_NUMBER: Final = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,10})?")


class Fields:
    """The fields of a report, or of an object or list in it, whose name is said in every sentence: "The report's metrics …"."""

    def __init__(self, payload: object, name: str = "The report") -> None:
        if not isinstance(payload, dict):
            raise ReportInvalidError(f"{name} is not a JSON object")
        self._left: dict[str, object] = dict(payload)
        self._name = name

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def text(self, name: str, check: Callable[[str], bool], *, default: str | None = None) -> str:
        """A string of the right form."""
        if default is not None and name not in self._left:
            return default
        value = self._left.pop(name, None)
        if not isinstance(value, str) or not check(value):
            raise ReportInvalidError(f"{self._name}'s {name} is missing or not of the right form")
        return value

    def count(self, name: str, *, most: int = MOST_ROWS) -> int:
        """A whole number from 0 to ``most``; 0 if it is left out."""
        value = self._left.pop(name, 0)
        if type(value) is not int or not 0 <= value <= most:
            raise ReportInvalidError(f"{self._name}'s {name} is not a count of at most {most}")
        return value

    def decimal(self, name: str, least: int, most: int) -> Decimal:
        """A decimal number within bounds, written with at most ten digits after the point."""
        value = self._left.pop(name, None)
        if not isinstance(value, str) or not _NUMBER.fullmatch(value) or not least <= Decimal(value) <= most:
            raise ReportInvalidError(f"{self._name}'s {name} is not a decimal number from {least} to {most}")
        return Decimal(value)

    def p_value(self, name: str) -> PValue:
        """A probability that is not 0."""
        try:
            return p_value_from(self._left.pop(name, None))
        except ValueError as error:
            raise ReportInvalidError(f"{self._name}'s {name} {error}") from None

    def numbers(self, name: str) -> dict[str, Decimal]:
        """Metrics by name, each a legal value of that metric."""
        value = self._left.pop(name, {})
        if not isinstance(value, dict) or len(value) > MOST_METRICS:
            raise ReportInvalidError(f"{self._name}'s {name} are not an object of at most {MOST_METRICS} numbers")
        numbers = {}
        for metric, text in value.items():
            if not METRIC_NAME.fullmatch(metric) or not isinstance(text, str) or not _NUMBER.fullmatch(text):
                raise ReportInvalidError(f"{self._name}'s {name} hold something that is not a decimal number")
            numbers[metric] = Decimal(text)
            if fault := objection(metric, numbers[metric]):
                raise ReportInvalidError(f"{self._name}'s {name} are not valid: {fault}")
        return numbers

    def mapping(self, name: str, *, most: int) -> dict[str, object]:
        """An object of a few fields; empty if it is left out."""
        value = self._left.pop(name, {})
        if not isinstance(value, dict) or len(value) > most:
            raise ReportInvalidError(f"{self._name}'s {name} is not an object of at most {most} fields")
        return value

    def items(self, name: str, *, most: int) -> list[object]:
        """A short list; empty if it is left out."""
        value = self._left.pop(name, [])
        if not isinstance(value, list) or len(value) > most:
            raise ReportInvalidError(f"{self._name}'s {name} is not a list of at most {most} entries")
        return value

    def below(self, name: str) -> "Fields | None":
        """The fields of an object within; None if it is left out."""
        return Fields(self._left.pop(name), f"{self._name}'s {name}") if name in self._left else None

    def refuse_others(self) -> None:
        """To be called last."""
        if self._left:
            raise ReportInvalidError(f"{self._name} has unknown fields: {', '.join(sorted(map(repr, self._left)))[:200]}")


def row_of(values: object, names: tuple[str, ...], name: str) -> Fields:
    """The fields of a list that leaves their names out, as a row of a table does."""
    if not isinstance(values, list) or len(values) != len(names):
        raise ReportInvalidError(f"{name} is not a list of {', '.join(names)}")
    return Fields(dict(zip(names, values, strict=True)), name)
