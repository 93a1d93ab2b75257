"""The budget of losses: many small accepted drops are one large one."""

from collections.abc import Iterator
from decimal import Decimal

from modelsafeguard.core.gates.case import Case
from modelsafeguard.core.gates.findings import broken, not_measured, passed, without_baseline
from modelsafeguard.core.numbers import brief, compact, label
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.report import Evidence
from modelsafeguard.core.verdict import Finding, Outcome, Reason

_GATE = GateName.WITHIN_TOTAL_BUDGET


def within_total_budget(case: Case, policy: Policy) -> Iterator[Finding]:
    """Promoted, the candidate would not be further below the best model than maxTotalDrop; one finding for each metric."""
    for rule in policy.metrics:
        yield _finding(case, rule)


def below_best_after(case: Case, policy: Policy) -> dict[str, Decimal]:
    """How far the candidate is below the best model once it is live, by metric; metrics in which it is the best are left out.

    A delta that is not known changes nothing. The first model is the best one.
    """
    if case.baseline is None:
        return {}
    names = dict.fromkeys((*case.baseline.below_best, *(rule.name for rule in policy.metrics)))
    below = {name: _after(case.baseline.below_best.get(name, Decimal(0)), case.best_delta(name)[0]) for name in names}
    return {name: distance for name, distance in below.items() if distance}


def evidence_of(case: Case) -> Evidence:
    """What a promotion's deltas rest on; Annotated ones are marked in the record."""
    return case.report.live_evidence if case.comparison else case.evidence


def _after(before: Decimal, delta: Decimal | None) -> Decimal:
    return before if delta is None else max(Decimal(0), Decimal(compact(before - delta)))


def _finding(case: Case, rule: MetricRule) -> Finding:
    limit, name = rule.total_drop, rule.name
    numbers = {"metric": name, "maxTotalDrop": str(limit)}
    if case.baseline is None:
        return without_baseline(_GATE, numbers)
    before, (delta, evidence) = case.baseline.below_best.get(name, Decimal(0)), case.best_delta(name)
    if delta is None:
        return not_measured(_GATE, case.obstacle or f"{label(name)} of the live model is not known, so neither is the loss", numbers)
    if not (limit.is_finite() and before.is_finite()):
        return broken(_GATE, numbers)
    after = _after(before, delta)
    numbers |= {"belowBest": compact(before), "delta": compact(delta), "after": compact(after), "evidence": str(evidence)}
    if after <= limit:
        said = f"{brief(after)} below the best" if after else "no lower than the best"
        return passed(_GATE, f"{label(name)} would be {said} since the last re-base (maxTotalDrop {brief(limit)})", numbers)
    message = (
        f"{label(name)} would be {brief(after)} below the best since the last re-base, {brief(before)} of it by earlier promotions "
        f"(maxTotalDrop {brief(limit)})"
    )
    return Finding(_GATE, Outcome.REJECTED, Reason.TOTAL_BUDGET_EXCEEDED, message, numbers)
