"""How findings are made and worded alike, whichever gate makes them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from modelsafeguard.core.comparison import Comparison
from modelsafeguard.core.gates.case import Case
from modelsafeguard.core.numbers import PValue, label, signed
from modelsafeguard.core.policy import MetricRule
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Finding, Outcome, Reason

NO_BASELINE: Final = "No previous model to compare against"

_SIGNIFICANT: Final = Decimal("0.05")
_MOST_DIGITS: Final = 10

Numbers = Mapping[str, str]


def passed(gate: GateName, message: str, numbers: Numbers) -> Finding:
    """A gate that passes; its reason is its own name."""
    return Finding(gate, Outcome.PASSED, str(gate), message, numbers)


def without_baseline(gate: GateName, numbers: Numbers | None = None) -> Finding:
    """There is no live model, so nothing can have become worse."""
    return Finding(gate, Outcome.PASSED, Reason.NO_BASELINE, NO_BASELINE, numbers or {})


def compared(gate: GateName, case: Case, numbers: Numbers | None = None) -> Comparison | Finding:
    """The comparison that a gate looks at; or, where there is none, what the gate finds then."""
    if case.baseline is None:
        return without_baseline(gate, numbers)
    if case.comparison is None or not case.comparison.rows:
        return Finding(gate, Outcome.NOT_MEASURED, Reason.NOT_COMPARED, case.not_compared, numbers or {})
    return case.comparison


def not_measured(gate: GateName, message: str, numbers: Numbers | None = None) -> Finding:
    """A gate that has nothing to look at."""
    return Finding(gate, Outcome.NOT_MEASURED, Reason.NOT_MEASURED, message, numbers or {})


def broken(gate: GateName, numbers: Numbers | None = None) -> Finding:
    """A number that should not exist (PolicyComplete says which, where it is the policy's): nothing passes by it."""
    return not_measured(gate, f"{gate} could not be asked: a number of the policy or of the evidence is not finite", numbers)


def significant(p_value: PValue) -> bool:
    """Whether chance is no explanation. One that cannot be told is taken for none."""
    return not p_value.is_finite() or p_value < _SIGNIFICANT


def change(rule: MetricRule, delta: Decimal) -> str:
    """A change as a sentence begins with it: "accuracy -0.0031"."""
    return f"{label(rule.name)} {signed(delta, rule.max_drop)}"


def interval(lower: Decimal, upper: Decimal, threshold: Decimal, *, digits: int = 4) -> str:
    """An interval, as in [-0.0100, +0.0036], with as many more digits as it takes to see on which side of the threshold each end lies."""
    return f"[{telling(lower, threshold, digits=digits)}, {telling(upper, threshold, digits=digits)}]"


def telling(value: Decimal, threshold: Decimal, *, digits: int = 4) -> str:
    """A signed number that stands to 0 and to the threshold, as it is shown, as it does in truth."""
    for places in range(digits, _MOST_DIGITS + 1):
        shown = round(value, places)
        if _side(shown, threshold) == _side(value, threshold) and bool(shown) == bool(value):
            break
    return f"{shown or abs(shown):+f}"


def _side(value: Decimal, threshold: Decimal) -> int:
    return (value > threshold) - (value < threshold)


def counted(number: int, noun: str) -> str:
    """A count with its noun: "1 row", "4,500 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
