"""A comparison and its companions as compact JSON, and back from untrusted JSON.

What stands in the report anyway is left out (the rows, the deltas of metrics); what there is several of is a list without names.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from modelsafeguard.core.comparison import (
    LONGEST_NAME,
    NAMED_CLASSES,
    RESAMPLES,
    WORST_SLICES,
    Classes,
    Comparison,
    Leakage,
    MetricComparison,
    Part,
    SliceComparison,
    Unmeasured,
    accuracy_delta,
)
from modelsafeguard.core.errors import ReportInvalidError
from modelsafeguard.core.fields import MOST_METRICS, Fields, row_of
from modelsafeguard.core.numbers import COMPACT_DIGITS, compact, difference, p_text

_METRIC: Final = ("lower", "upper", "standard_error")
_SLICE: Final = ("column", "value", "rows", "gained", "lost", "p_value")
_MOST_NAMES: Final = 10**6


def comparison_to_payload(comparison: Comparison) -> dict[str, Any]:
    """As JSON; empty values are left out."""
    payload = {
        "changed": comparison.changed,
        "gained": comparison.gained,
        "lost": comparison.lost,
        "p_value": p_text(comparison.p_value),
        "resamples": comparison.resamples,
        "metrics": {name: [compact(getattr(metric, part)) for part in _METRIC] for name, metric in comparison.metrics.items()},
        "slices_tested": comparison.slices_tested,
        "slices": [[one.column, one.value, one.rows, one.gained, one.lost, p_text(one.p_value)] for one in comparison.slices],
        "classes_lost": _classes_to_payload(comparison.classes_lost),
        "classes_gained": _classes_to_payload(comparison.classes_gained),
    }
    return {name: value for name, value in payload.items() if value}


def comparison_from_payload(fields: Fields, rows: int, candidate: Mapping[str, Decimal], live: Mapping[str, Decimal]) -> Comparison:
    """From untrusted JSON; ``rows`` and both models' metrics are those of the same report, and must agree with it.

    Raises:
        ReportInvalidError: with the sentence that says what is wrong.
    """
    if not rows:
        raise ReportInvalidError("The report has a comparison without rows")
    comparison = Comparison(
        rows=rows,
        changed=fields.count("changed", most=rows),
        gained=fields.count("gained", most=rows),
        lost=fields.count("lost", most=rows),
        p_value=fields.p_value("p_value"),
        resamples=fields.count("resamples", most=RESAMPLES),
        metrics=_metrics(fields.mapping("metrics", most=MOST_METRICS), candidate, live),
        slices_tested=fields.count("slices_tested", most=_MOST_NAMES),
        slices=tuple(_slice(values, rows) for values in fields.items("slices", most=WORST_SLICES)),
        classes_lost=_classes(fields.items("classes_lost", most=NAMED_CLASSES + 1)),
        classes_gained=_classes(fields.items("classes_gained", most=NAMED_CLASSES + 1)),
    )
    fields.refuse_others()
    _refuse_contradictions(comparison)
    return comparison


def leakage_to_payload(leakage: Leakage) -> list[int]:
    """The candidate's leaked rows and, where it is known, the live model's."""
    return [leakage.leaked] if leakage.live_leaked is None else [leakage.leaked, leakage.live_leaked]


def leakage_from_payload(values: list[object], rows: int) -> Leakage | None:
    """From untrusted JSON; None if it was left out. Raises ReportInvalidError."""
    counts = [value for value in values if type(value) is int and 0 <= value <= rows]
    if len(counts) != len(values) or (counts and not rows):
        raise ReportInvalidError("The report's leakage is not one or two counts of its rows")
    return Leakage(rows, *counts) if counts else None


def not_measured_from_payload(parts: Mapping[str, object]) -> dict[Part, Unmeasured]:
    """From untrusted JSON. Raises ReportInvalidError."""
    try:
        return {Part(part): Unmeasured(str(reason)) for part, reason in parts.items()}
    except ValueError:
        raise ReportInvalidError("The report's not_measured has a part or a reason that there is not") from None


def _metrics(payload: Mapping[str, object], candidate: Mapping[str, Decimal], live: Mapping[str, Decimal]) -> dict[str, MetricComparison]:
    metrics = {}
    for name, values in payload.items():
        if name not in candidate or name not in live:
            raise ReportInvalidError("The report's comparison has a metric that is not known of both models")
        fields = row_of(values, _METRIC, "The report's comparison of a metric")
        lower, upper = fields.decimal("lower", -1, 1), fields.decimal("upper", -1, 1)
        if lower > upper:
            raise ReportInvalidError("The report's comparison has an interval that ends before it begins")
        delta = difference(candidate[name], live[name])
        metrics[name] = MetricComparison(delta, lower, upper, fields.decimal("standard_error", 0, 1))
    return metrics


def _refuse_contradictions(comparison: Comparison) -> None:
    gained, lost, accuracy = comparison.gained, comparison.lost, comparison.metrics.get("accuracy")
    if gained + lost > comparison.changed:
        raise ReportInvalidError("The report's comparison has more rows gained and lost than changed")
    if accuracy is None:
        raise ReportInvalidError("The report's comparison has no accuracy")
    # Two accuracies were rounded on the way.
    if abs(accuracy.delta - accuracy_delta(comparison.rows, gained, lost)) > Decimal(2).scaleb(-COMPACT_DIGITS):
        raise ReportInvalidError("The report's comparison has other rows gained and lost than its two accuracies say")
    if len(comparison.slices) > comparison.slices_tested or not comparison.resamples:
        raise ReportInvalidError("The report's comparison does not say how many slices it has tested, or how often it has resampled")


def _slice(values: object, rows: int) -> SliceComparison:
    fields = row_of(values, _SLICE, "The report's slice")
    one = SliceComparison(
        column=fields.text("column", _is_name),
        value=fields.text("value", _is_name),
        rows=fields.count("rows", most=rows),
        gained=fields.count("gained", most=rows),
        lost=fields.count("lost", most=rows),
        p_value=fields.p_value("p_value"),
    )
    if not one.gained < one.lost <= one.rows - one.gained:
        raise ReportInvalidError("The report's slice has not lost more rows than it gained, or has more of them than there are")
    return one


def _classes_to_payload(classes: Classes) -> list[int | str]:
    return [classes.count, *classes.names] if classes.count else []


def _classes(values: list[object]) -> Classes:
    if not values:
        return Classes()
    count, *names = values
    if type(count) is not int or not max(len(names), 1) <= count <= _MOST_NAMES:
        raise ReportInvalidError("The report's comparison has a list of classes without their number")
    texts = tuple(name for name in names if isinstance(name, str) and _is_name(name))
    if len(texts) != len(names):
        raise ReportInvalidError("The report's comparison has a class without a readable name")
    return Classes(count, texts)


def _is_name(text: str) -> bool:
    return len(text) <= LONGEST_NAME and text.isprintable()
