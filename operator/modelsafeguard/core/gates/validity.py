"""What must hold before anything can be compared: the policy can be applied, and the candidate's numbers are numbers."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from modelsafeguard.core.gates.case import Case
from modelsafeguard.core.numbers import METRIC_NAME, brief, compact, is_fraction, objection
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Finding, Outcome, Reason


def policy_complete(_: Case, policy: Policy) -> Iterator[Finding]:
    """The policy says something about at least one metric, and every rule can be applied."""
    gate = GateName.POLICY_COMPLETE
    faults = list(_policy_faults(policy))
    for fault in faults:
        yield Finding(gate, Outcome.FAILED, Reason.POLICY_INVALID, fault)
    if not faults:
        yield Finding(gate, Outcome.PASSED, Reason.POLICY_COMPLETE, "Every rule of the policy can be applied")


def _policy_faults(policy: Policy) -> Iterator[str]:
    if not policy.metrics:
        yield "The policy names no metric: add at least one to spec.policy.metrics"
    for name in _repeated(rule.name for rule in policy.metrics):
        yield f"The policy names {name} more than once: keep one rule for each metric"
    for rule in policy.metrics:
        yield from _rule_faults(rule)
    for name in _repeated(each.name for each in policy.gates):
        yield f"The policy sets gate {name} more than once: keep one mode for each gate"
    shares = {"maxLeakage": policy.max_leakage, "maxSliceDrop": policy.max_slice_drop, "maxNegativeFlips": policy.max_negative_flips}
    for field, value in shares.items():
        if value is not None and not (value.is_finite() and 0 <= value <= 1):
            yield f"The policy's {field} is {_shown(value)}: it is a fraction between 0 and 1 (one percentage point is 0.01)"
    if policy.min_holdout_rows < 0 or policy.max_decisions < 0:
        yield "The policy's minHoldoutRows or maxDecisions is negative: it is a count"


def _repeated(names: Iterator[str]) -> list[str]:
    return sorted(name for name, times in Counter(names).items() if times > 1)


def _rule_faults(rule: MetricRule) -> Iterator[str]:
    name, max_drop = rule.name, rule.max_drop
    if not METRIC_NAME.fullmatch(name):
        yield f"The policy names a metric {name[:64]!r}: a metric's name is a letter followed by letters, digits and underscores"
    if not max_drop.is_finite():
        yield f"The policy's maxDrop of {name} is {max_drop}: it must be a finite decimal such as 0.01"
    elif is_fraction(name) and abs(max_drop) > 1:
        yield f"The policy's maxDrop of {name} is {brief(max_drop)}: it is a fraction between -1 and 1 (one percentage point is 0.01)"
    if rule.min_value is not None and (fault := objection(name, rule.min_value)):
        yield f"The policy's minValue cannot be reached by any candidate: {fault}"
    for field, value in (("maxGain", rule.max_gain), ("maxTotalDrop", rule.max_total_drop)):
        if value is not None and not (value.is_finite() and value >= 0):
            yield f"The policy's {field} of {name} is {_shown(value)}: it must be a finite decimal that is not negative, such as 0.05"


def _shown(value: Decimal) -> str:
    return brief(value) if value.is_finite() else str(value)


def metrics_valid(case: Case, policy: Policy) -> Iterator[Finding]:
    """The candidate has every metric of the policy, each a legal number."""
    gate = GateName.METRICS_VALID
    for rule in policy.metrics:
        value = case.report.metrics.get(rule.name)
        if value is None:
            message = f"The candidate has no {rule.name}, which the policy asks for: let the trainer write it to metrics.json"
            yield Finding(gate, Outcome.FAILED, Reason.METRIC_MISSING, message, {"metric": rule.name})
        elif fault := objection(rule.name, value):
            message = f"The candidate's {fault}"
            yield Finding(gate, Outcome.FAILED, Reason.METRIC_INVALID, message, {"metric": rule.name})
        else:
            numbers = {"metric": rule.name, "candidate": compact(value)}
            yield Finding(gate, Outcome.PASSED, Reason.METRICS_VALID, f"The candidate's {rule.name} is a legal number", numbers)
