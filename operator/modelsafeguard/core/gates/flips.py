"""Rows that changed: too many of them from right to wrong, or none at all."""

from collections.abc import Iterator
from decimal import Decimal

from modelsafeguard.core.comparison import Comparison
from modelsafeguard.core.gates.case import Case
from modelsafeguard.core.gates.findings import broken, change, compared, counted, interval, passed, significant
from modelsafeguard.core.numbers import brief, p_text
from modelsafeguard.core.policy import Policy
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Finding, Outcome, Reason

_FLIPS = GateName.NEGATIVE_FLIPS_BOUNDED


def negative_flips_bounded(case: Case, policy: Policy) -> Iterator[Finding]:
    """Not more rows are lost than maxNegativeFlips; nor beyond chance more than gained, where accuracy is not surely within its tolerance.

    The second is what the interval rule leaves open: worse for certain, and not shown to be worse by little enough (docs/decisions/0017).
    """
    comparison = compared(_FLIPS, case)
    if isinstance(comparison, Finding):
        yield comparison
        return
    gained, lost = comparison.gained, comparison.lost
    said = f"{counted(lost, 'row')} lost, {gained:,} gained (McNemar p {p_text(comparison.p_value)})"
    numbers = {"lost": str(lost), "gained": str(gained), "rows": str(comparison.rows), "pValue": p_text(comparison.p_value)}
    yield _too_many(comparison, policy, said, numbers) or _worse(comparison, policy, said, numbers) or passed(_FLIPS, said, numbers)


def _too_many(comparison: Comparison, policy: Policy, said: str, numbers: dict[str, str]) -> Finding | None:
    most = policy.max_negative_flips
    if most is None:
        return None
    numbers = numbers | {"maxNegativeFlips": str(most)}
    if not most.is_finite():
        return broken(_FLIPS, numbers)
    part = Decimal(comparison.lost) / comparison.rows
    if part <= most:
        return None
    message = f"{said}: {round(part * 100, 2)} % of the holdout were right and are wrong, more than maxNegativeFlips {brief(most)} allows"
    return Finding(_FLIPS, Outcome.REJECTED, Reason.TOO_MANY_NEGATIVE_FLIPS, message, numbers)


def _worse(comparison: Comparison, policy: Policy, said: str, numbers: dict[str, str]) -> Finding | None:
    rule, accuracy = policy.rule("accuracy"), comparison.metrics.get("accuracy")
    if rule is None:
        return None
    if accuracy is None or not all(number.is_finite() for number in (rule.max_drop, accuracy.delta, accuracy.lower, accuracy.upper)):
        return broken(_FLIPS, numbers)
    if comparison.lost <= comparison.gained or not significant(comparison.p_value) or accuracy.lower > -rule.max_drop:
        return None
    shown = f"{change(rule, accuracy.delta)} {interval(accuracy.lower, accuracy.upper, -rule.max_drop)}"
    message = f"{shown} is worse beyond chance, and not shown to be within the tolerance {brief(rule.max_drop)}: {said}"
    return Finding(_FLIPS, Outcome.REJECTED, Reason.WORSE_BEYOND_CHANCE, message, numbers)


def something_changed(case: Case, _: Policy) -> Iterator[Finding]:
    """The candidate is another model than the live one, and answers at least one row of the holdout otherwise."""
    gate = GateName.SOMETHING_CHANGED
    comparison, ours, theirs = compared(gate, case), case.report.model_digest, case.baseline.model_digest if case.baseline else ""
    if ours and ours == theirs:
        message = "The candidate is the live model once more: their model digests are equal"
        yield Finding(gate, Outcome.UNCHANGED, Reason.NOTHING_CHANGED, message, {"modelDigest": ours})
    elif isinstance(comparison, Finding):
        yield passed(gate, "The model digests differ", {"modelDigest": ours}) if ours and theirs else comparison
    elif comparison.changed:
        said = f"{counted(comparison.changed, 'answer')} of {comparison.rows:,} changed"
        yield passed(gate, said, {"changed": str(comparison.changed), "rows": str(comparison.rows)})
    else:
        message = f"The candidate answers all {counted(comparison.rows, 'holdout row')} as the live model does"
        yield Finding(gate, Outcome.UNCHANGED, Reason.NOTHING_CHANGED, message, {"changed": "0", "rows": str(comparison.rows)})
