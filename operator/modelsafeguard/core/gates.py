"""The gates: an ordered list of small named checks, each ``(case, policy) -> findings``.

Every gate is closed on its own: what is not there, or not finite, passes none of them. All findings are kept; the worst decides
(``judge.judge``). A further gate is one more function and one more row in ``GATES``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from modelsafeguard.core.numbers import METRIC_NAME, brief, compact, difference, is_fraction, label, objection, signed
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.report import Baseline, Evidence, Report
from modelsafeguard.core.verdict import Finding, Outcome, Reason

NO_BASELINE: Final = "No previous model to compare against"


@dataclass(frozen=True)
class Case:
    """All that the gates may look at.

    ``live`` holds the live model's numbers that the candidate is compared with and ``evidence`` says where they come from.
    With a baseline but ``Evidence.NONE`` there are none that may be compared, and ``obstacle`` is the sentence that says why.
    """

    report: Report
    baseline: Baseline | None
    evidence: Evidence = Evidence.NONE
    live: Mapping[str, Decimal] = field(default_factory=dict)
    obstacle: str = ""

    def delta(self, name: str) -> Decimal | None:
        """Candidate minus live of one metric, or None where either is missing or not legal."""
        candidate, live = self.report.metrics.get(name), self.live.get(name)
        if candidate is None or live is None or objection(name, candidate) or objection(name, live):
            return None
        return difference(candidate, live)


Gate = Callable[[Case, Policy], Iterator[Finding]]


def policy_complete(_: Case, policy: Policy) -> Iterator[Finding]:
    """The policy says something about at least one metric, and every rule can be applied."""
    gate = "PolicyComplete"
    faults = list(_policy_faults(policy))
    for fault in faults:
        yield Finding(gate, Outcome.FAILED, Reason.POLICY_INVALID, fault)
    if not faults:
        yield Finding(gate, Outcome.PASSED, Reason.POLICY_COMPLETE, "Every rule of the policy can be applied")


def _policy_faults(policy: Policy) -> Iterator[str]:
    if not policy.metrics:
        yield "The policy names no metric: add at least one to spec.policy.metrics"
    names = [rule.name for rule in policy.metrics]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"The policy names {name} more than once: keep one rule for each metric"
    for name, max_drop in ((rule.name, rule.max_drop) for rule in policy.metrics):
        if not METRIC_NAME.fullmatch(name):
            yield f"The policy names a metric {name[:64]!r}: a metric's name is a letter followed by letters, digits and underscores"
        if not max_drop.is_finite():
            yield f"The policy's maxDrop of {name} is {max_drop}: it must be a finite decimal such as 0.01"
        elif is_fraction(name) and abs(max_drop) > 1:
            yield f"The policy's maxDrop of {name} is {brief(max_drop)}: it is a fraction between -1 and 1 (one percentage point is 0.01)"


def metrics_valid(case: Case, policy: Policy) -> Iterator[Finding]:
    """The candidate has every metric of the policy, each a legal number."""
    gate = "MetricsValid"
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


def metric_within_tolerance(case: Case, policy: Policy) -> Iterator[Finding]:
    """The point rule, one finding for each metric: candidate - live >= -maxDrop, compared as decimals.

    Without any previous model it passes as NoBaseline. A number of the baseline that is missing is NotMeasured; one that is not
    legal is Failed, because the record that everything rests on is broken.
    """
    for rule in policy.metrics:
        yield _tolerance_finding(case, rule)


def _tolerance_finding(case: Case, rule: MetricRule) -> Finding:
    gate, name, baseline = "MetricWithinTolerance", rule.name, case.baseline
    numbers = {"metric": name, "maxDrop": str(rule.max_drop), "evidence": str(case.evidence)}
    if baseline is None:
        return Finding(gate, Outcome.PASSED, Reason.NO_BASELINE, NO_BASELINE, numbers)
    numbers["baseline"] = baseline.version
    if case.obstacle:
        return Finding(gate, Outcome.NOT_MEASURED, Reason.BASELINE_NOT_COMPARABLE, case.obstacle, numbers)
    live = case.live.get(name)
    if live is None:
        return Finding(gate, Outcome.NOT_MEASURED, Reason.BASELINE_LACKS_METRIC, _lacking(case.evidence, baseline, name), numbers)
    if fault := objection(name, live):
        message = f"The baseline of the live model {baseline.version} cannot be used: its {fault}; correct the recorded value"
        return Finding(gate, Outcome.FAILED, Reason.BASELINE_INVALID, message, numbers)
    delta = case.delta(name)
    if delta is None or not rule.max_drop.is_finite():
        return Finding(gate, Outcome.NOT_MEASURED, Reason.METRIC_INVALID, f"{name} could not be compared", numbers)
    numbers |= {"candidate": compact(case.report.metrics[name]), "live": compact(live), "delta": compact(delta)}
    return _compared(gate, rule, delta, numbers)


def _compared(gate: str, rule: MetricRule, delta: Decimal, numbers: Mapping[str, str]) -> Finding:
    change = f"{label(rule.name)} {signed(delta, rule.max_drop)}"
    if delta >= -rule.max_drop:
        return Finding(gate, Outcome.PASSED, Reason.WITHIN_TOLERANCE, f"{change} is within the tolerance {brief(rule.max_drop)}", numbers)
    if delta < 0:
        message = f"{change} is a larger drop than the policy accepts (maxDrop {brief(rule.max_drop)})"
        return Finding(gate, Outcome.REJECTED, Reason.PERFORMANCE_DEGRADED, message, numbers)
    message = f"{change} is a smaller gain than the policy requires ({brief(-rule.max_drop)})"
    return Finding(gate, Outcome.REJECTED, Reason.GAIN_TOO_SMALL, message, numbers)


def _lacking(evidence: Evidence, baseline: Baseline, name: str) -> str:
    if evidence is Evidence.ANNOTATED:
        return (
            f"The live model {baseline.version} has no recorded {name} to compare with: annotate the ModelDeployment with its value, "
            f"or take {name} out of the policy"
        )
    return (
        f"{name} of the live model {baseline.version} could not be measured on the candidate's holdout: only accuracy, f1_macro and "
        f"f1_weighted can; take {name} out of the policy, or train on the live model's holdout"
    )


GATES: Final[tuple[Gate, ...]] = (policy_complete, metrics_valid, metric_within_tolerance)
