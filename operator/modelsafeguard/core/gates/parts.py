"""What a mean hides: classes that are gone, and slices that got worse."""

from collections.abc import Iterator

from modelsafeguard.core.comparison import Comparison, Part, SliceComparison
from modelsafeguard.core.gates.case import Case
from modelsafeguard.core.gates.findings import (
    broken,
    change,
    compared,
    counted,
    interval,
    not_measured,
    passed,
    significant,
    telling,
)
from modelsafeguard.core.numbers import compact, p_text
from modelsafeguard.core.policy import Policy
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Finding, Outcome, Reason


def no_class_lost(case: Case, _: Policy) -> Iterator[Finding]:
    """The candidate still gets some rows right of every class of which the live model does."""
    gate = GateName.NO_CLASS_LOST
    comparison = compared(gate, case)
    if isinstance(comparison, Finding):
        yield comparison
        return
    lost = comparison.classes_lost
    if lost.count == 0:
        yield passed(gate, "No class was lost", {"classesLost": "0"})
        return
    named = f": {', '.join(lost.names)}" if lost.names else ""
    more = f" and {lost.count - len(lost.names):,} more" if 0 < len(lost.names) < lost.count else ""
    message = f"The candidate has lost {_classes(lost.count)} that the live model knows{named}{more}"
    yield Finding(gate, Outcome.REJECTED, Reason.CLASS_LOST, message, {"classesLost": str(lost.count)})


def _classes(count: int) -> str:
    return "1 class" if count == 1 else f"{count:,} classes"


def no_slice_regressed(case: Case, policy: Policy) -> Iterator[Finding]:
    """No slice got worse beyond chance (Holm's correction over all of them), and by more than maxSliceDrop."""
    comparison = compared(GateName.NO_SLICE_REGRESSED, case)
    yield comparison if isinstance(comparison, Finding) else _slices_finding(case, comparison, policy)


def _slices_finding(case: Case, comparison: Comparison, policy: Policy) -> Finding:
    gate, tolerated, tested = GateName.NO_SLICE_REGRESSED, policy.max_slice_drop, comparison.slices_tested
    numbers = {"maxSliceDrop": str(tolerated), "slicesTested": str(tested)}
    if not tolerated.is_finite():
        return broken(gate, numbers)
    if not tested:
        return not_measured(gate, f"No slice was compared{case.why_not(Part.SLICES)}", numbers)
    worse = [one for one in comparison.slices if one.lost > one.gained and significant(one.p_value)]
    regressed = [one for one in worse if one.interval.upper < -tolerated]
    if regressed:
        return _regressed(regressed, comparison, policy, numbers)
    if worse and len(worse) == len(comparison.slices) < tested:
        named = f"The report has room for {counted(len(worse), 'slice')} of those that got worse, within maxSliceDrop"
        return not_measured(gate, f"{named}; of the others it is not known", numbers)
    return passed(gate, f"None of {counted(tested, 'slice')} got worse beyond chance{case.why_not(Part.SLICES)}", numbers)


def _regressed(slices: list[SliceComparison], comparison: Comparison, policy: Policy, numbers: dict[str, str]) -> Finding:
    worst, tolerated = slices[0], policy.max_slice_drop
    ends = worst.interval
    more = f" (and {counted(len(slices) - 1, 'more slice')})" if len(slices) > 1 else ""
    numbers = numbers | {"column": worst.column, "slice": worst.value, "rows": str(worst.rows), "delta": compact(worst.delta)}
    numbers |= {"lower": compact(ends.lower), "upper": compact(ends.upper), "pValue": p_text(worst.p_value)}
    message = (
        f"{worst.value} slice accuracy {telling(worst.delta, -tolerated)} {interval(ends.lower, ends.upper, -tolerated, digits=2)}, "
        f"Holm p {p_text(worst.p_value)}{more}{_overall(comparison, policy)}"
    )
    return Finding(GateName.NO_SLICE_REGRESSED, Outcome.REJECTED, Reason.SLICE_REGRESSED, message, numbers)


def _overall(comparison: Comparison, policy: Policy) -> str:
    """What the mean says, beside which a slice is seen."""
    rule, accuracy = policy.rule("accuracy"), comparison.metrics.get("accuracy")
    if rule is None or accuracy is None or not (rule.max_drop.is_finite() and accuracy.delta.is_finite()):
        return ""
    overall = change(rule, accuracy.delta).replace("accuracy", "overall", 1)
    return f"; {overall} is within tolerance" if accuracy.delta >= -rule.max_drop else f"; {overall}"
