"""The interval rule: what the point rule asks, answered with error control."""

from collections.abc import Iterator

from modelsafeguard.core.comparison import Comparison, MetricComparison
from modelsafeguard.core.gates.case import Case
from modelsafeguard.core.gates.findings import broken, change, compared, interval, not_measured, passed
from modelsafeguard.core.gates.tolerance import beyond
from modelsafeguard.core.numbers import brief, compact, label
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.profiles import GateName, Mode
from modelsafeguard.core.verdict import Finding, Outcome, Reason

_GATE = GateName.NON_INFERIOR


def non_inferior(case: Case, policy: Policy) -> Iterator[Finding]:
    """One finding for each metric: the interval of its delta lies above -maxDrop, or below it, or there is too little evidence.

    A negative maxDrop is a required gain; the inequality is the same.
    """
    for rule in policy.metrics:
        yield _finding(case, rule)


def _finding(case: Case, rule: MetricRule) -> Finding:
    numbers = {"metric": rule.name, "maxDrop": str(rule.max_drop)}
    comparison = compared(_GATE, case, numbers)
    if isinstance(comparison, Finding):
        return comparison
    measured = comparison.metrics.get(rule.name)
    if measured is None:
        return not_measured(_GATE, _no_interval(rule.name), numbers)
    if not all(number.is_finite() for number in (rule.max_drop, measured.delta, measured.lower, measured.upper, measured.standard_error)):
        return broken(_GATE, numbers)
    numbers |= {part: compact(getattr(measured, part)) for part in ("delta", "lower", "upper")}
    numbers |= {"rows": str(comparison.rows), "evidence": str(case.report.live_evidence), "baseline": case.report.live_version}
    return _placed(rule, measured, comparison, numbers)


def _no_interval(name: str) -> str:
    return (
        f"{name} has no interval: only accuracy, f1_macro and f1_weighted can be computed from predictions; take {name} out of the policy, "
        f"or set gate {_GATE} to {Mode.WARN} and {GateName.METRIC_WITHIN_TOLERANCE} to {Mode.ENFORCE}"
    )


def _placed(rule: MetricRule, measured: MetricComparison, comparison: Comparison, numbers: dict[str, str]) -> Finding:
    shown = f"{change(rule, measured.delta)} {interval(measured.lower, measured.upper, -rule.max_drop)}"
    if measured.lower > -rule.max_drop:
        return passed(_GATE, f"{shown} is within the tolerance {brief(rule.max_drop)}", numbers)
    if measured.upper < -rule.max_drop:
        return Finding(_GATE, Outcome.REJECTED, *beyond(shown, rule, measured.delta), numbers)
    needed, has = comparison.rows_needed(rule.name, rule.max_drop), comparison.rows
    if needed is not None and needed > has:
        message = f"{shown}: needs about {needed:,} holdout rows, has {has:,}"
        numbers = numbers | {"rowsNeeded": str(needed)}
    else:
        asked = f"a gain of {brief(-rule.max_drop)}" if rule.max_drop < 0 else f"a drop of at most {brief(rule.max_drop)}"
        message = f"{shown}: {has:,} holdout rows do not tell whether {label(rule.name)} shows {asked}"
    return Finding(_GATE, Outcome.INCONCLUSIVE, Reason.NOT_ENOUGH_EVIDENCE, message, numbers)
