"""The point rule: two numbers, compared. It says nothing of chance; ``interval`` does."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from modelsafeguard.core.gates.case import Case
from modelsafeguard.core.gates.findings import NO_BASELINE, change
from modelsafeguard.core.numbers import brief, compact, objection
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.report import Baseline, Evidence
from modelsafeguard.core.verdict import Finding, Outcome, Reason

_GATE = GateName.METRIC_WITHIN_TOLERANCE


def metric_within_tolerance(case: Case, policy: Policy) -> Iterator[Finding]:
    """The point rule, one finding for each metric: candidate - live >= -maxDrop, compared as decimals.

    Without any previous model it passes as NoBaseline. A number of the baseline that is missing is NotMeasured; one that is not
    legal is Failed, because the record that everything rests on is broken.
    """
    for rule in policy.metrics:
        yield _finding(case, rule)


def _finding(case: Case, rule: MetricRule) -> Finding:
    name, baseline = rule.name, case.baseline
    numbers = {"metric": name, "maxDrop": str(rule.max_drop), "evidence": str(case.evidence)}
    if baseline is None:
        return Finding(_GATE, Outcome.PASSED, Reason.NO_BASELINE, NO_BASELINE, numbers)
    numbers["baseline"] = baseline.version
    if case.obstacle:
        return Finding(_GATE, Outcome.NOT_MEASURED, Reason.BASELINE_NOT_COMPARABLE, case.obstacle, numbers)
    live = case.live.get(name)
    if live is None:
        return Finding(_GATE, Outcome.NOT_MEASURED, Reason.BASELINE_LACKS_METRIC, _lacking(case.evidence, baseline, name), numbers)
    if fault := objection(name, live):
        message = f"The baseline of the live model {baseline.version} cannot be used: its {fault}; correct the recorded value"
        return Finding(_GATE, Outcome.FAILED, Reason.BASELINE_INVALID, message, numbers)
    delta = case.delta(name)
    if delta is None or not rule.max_drop.is_finite():
        return Finding(_GATE, Outcome.NOT_MEASURED, Reason.METRIC_INVALID, f"{name} could not be compared", numbers)
    numbers |= {"candidate": compact(case.report.metrics[name]), "live": compact(live), "delta": compact(delta)}
    return _compared(rule, delta, numbers)


def _compared(rule: MetricRule, delta: Decimal, numbers: Mapping[str, str]) -> Finding:
    if delta >= -rule.max_drop:
        message = f"{change(rule, delta)} is within the tolerance {brief(rule.max_drop)}"
        return Finding(_GATE, Outcome.PASSED, Reason.WITHIN_TOLERANCE, message, numbers)
    return Finding(_GATE, Outcome.REJECTED, *beyond(change(rule, delta), rule, delta), numbers)


def beyond(shown: str, rule: MetricRule, delta: Decimal) -> tuple[Reason, str]:
    """What to say of a change beyond the tolerance: a drop that is too large, or a required gain that was missed."""
    if delta < 0:
        return Reason.PERFORMANCE_DEGRADED, f"{shown} is a larger drop than the policy accepts (maxDrop {brief(rule.max_drop)})"
    return Reason.GAIN_TOO_SMALL, f"{shown} is a smaller gain than the policy requires ({brief(-rule.max_drop)})"


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
