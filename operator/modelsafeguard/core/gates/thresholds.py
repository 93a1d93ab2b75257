"""Thresholds of the owner's beside the tolerance: values that are too low, and gains that are too good to be believed unseen."""

from collections.abc import Iterator

from modelsafeguard.core.gates.case import Case
from modelsafeguard.core.gates.findings import broken, not_measured, passed, telling, without_baseline
from modelsafeguard.core.numbers import brief, compact, label, objection
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Finding, Outcome, Reason


def metric_floor(case: Case, policy: Policy) -> Iterator[Finding]:
    """The candidate's value is at least minValue, whatever the live model's is; one finding for each metric that has one."""
    gate = GateName.METRIC_FLOOR
    for rule in policy.metrics:
        if rule.min_value is None:
            continue
        numbers, value = {"metric": rule.name, "minValue": str(rule.min_value)}, case.report.metrics.get(rule.name)
        if value is None or objection(rule.name, value) or not rule.min_value.is_finite():
            yield not_measured(gate, f"The candidate has no {rule.name} that could be compared with minValue", numbers)
            continue
        said, numbers = f"{label(rule.name)} {brief(value)}", numbers | {"candidate": compact(value)}
        if value >= rule.min_value:
            yield passed(gate, f"{said} is at least {brief(rule.min_value)}", numbers)
        else:
            message = f"{said} is lower than the policy asks of any model (minValue {brief(rule.min_value)})"
            yield Finding(gate, Outcome.REJECTED, Reason.BELOW_MINIMUM, message, numbers)


def gain_believable(case: Case, policy: Policy) -> Iterator[Finding]:
    """No metric rises by more than maxGain; one that does waits for a person, because of leaks and mistakes in the data."""
    for rule in policy.metrics:
        if rule.believable_gain is not None:
            yield _gain_finding(case, rule)


def _gain_finding(case: Case, rule: MetricRule) -> Finding:
    gate, limit = GateName.GAIN_BELIEVABLE, rule.believable_gain
    assert limit is not None
    numbers = {"metric": rule.name, "maxGain": str(limit)}
    if case.baseline is None:
        return without_baseline(gate, numbers)
    delta, evidence = case.best_delta(rule.name)
    if delta is None:
        return not_measured(gate, case.obstacle or f"{label(rule.name)} of the live model is not known, so neither is the gain", numbers)
    if not limit.is_finite():
        return broken(gate, numbers)
    numbers |= {"delta": compact(delta), "evidence": str(evidence)}
    shown = f"{label(rule.name)} {telling(delta, limit)}"
    if delta <= limit:
        return passed(gate, f"{shown} is no larger a gain than is believed (maxGain {brief(limit)})", numbers)
    message = f"{shown} is a larger gain than is believed unseen (maxGain {brief(limit)}): let a person look for leaked or missing rows"
    return Finding(gate, Outcome.NEEDS_APPROVAL, Reason.GAIN_NOT_BELIEVABLE, message, numbers)
