"""The holdout itself: the same for both models, large enough, not trained on, and not worn out by decisions."""

from collections.abc import Iterator
from decimal import Decimal

from modelsafeguard.core.comparison import Part
from modelsafeguard.core.gates.case import Case
from modelsafeguard.core.gates.findings import broken, counted, not_measured, passed, without_baseline
from modelsafeguard.core.numbers import brief, compact
from modelsafeguard.core.policy import Policy
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.report import Evidence
from modelsafeguard.core.verdict import Finding, Outcome, Reason

_UNKNOWN = "The candidate's holdout is not known: the trainer wrote no predictions.csv"


def same_holdout(case: Case, _: Policy) -> Iterator[Finding]:
    """Both models were measured on the same rows."""
    gate, report, baseline = GateName.SAME_HOLDOUT, case.report, case.baseline
    if baseline is None:
        yield without_baseline(gate)
        return
    numbers = {"baseline": baseline.version, "evidence": str(case.evidence)}
    if case.obstacle:
        yield Finding(gate, Outcome.NOT_MEASURED, Reason.BASELINE_NOT_COMPARABLE, case.obstacle, numbers)
    elif case.measured_live and report.live_evidence is not Evidence.NONE:
        yield passed(gate, "Both models were measured on the candidate's holdout", numbers | {"evidence": str(report.live_evidence)})
    elif baseline.holdout_digest and baseline.holdout_digest == report.holdout_digest:
        yield passed(gate, "Both models were measured on the same holdout", numbers)
    else:
        whose = f"the live model {baseline.version}" if report.holdout_digest else "the candidate"
        advice = "let the trainer write predictions.csv with a live_predicted column"
        message = f"It is not known on which holdout {whose} was measured: {advice}"
        yield Finding(gate, Outcome.NOT_MEASURED, Reason.HOLDOUT_UNKNOWN, message, numbers)


def holdout_large_enough(case: Case, policy: Policy) -> Iterator[Finding]:
    """Fewer rows than minHoldoutRows tell nothing, whatever they say."""
    gate, rows, least = GateName.HOLDOUT_LARGE_ENOUGH, case.report.holdout_rows, policy.min_holdout_rows
    numbers = {"rows": str(rows), "minHoldoutRows": str(least)}
    if not case.report.holdout_digest:
        yield not_measured(gate, _UNKNOWN, numbers)
    elif rows >= least:
        yield passed(gate, f"The holdout has {counted(rows, 'row')}", numbers)
    else:
        message = f"The holdout has {counted(rows, 'row')}, and the policy asks for at least {least:,} (minHoldoutRows)"
        yield Finding(gate, Outcome.INCONCLUSIVE, Reason.HOLDOUT_TOO_SMALL, message, numbers)


def no_leakage(case: Case, policy: Policy) -> Iterator[Finding]:
    """The candidate was not trained on more of the holdout than the live model was; real data always has some rows twice."""
    gate, leakage = GateName.NO_LEAKAGE, case.report.leakage
    numbers = {"maxLeakage": str(policy.max_leakage)}
    if leakage is None or not leakage.rows:
        yield not_measured(gate, f"Whether holdout rows were trained on was not measured{case.why_not(Part.LEAKAGE)}", numbers)
        return
    if not policy.max_leakage.is_finite():
        yield broken(gate, numbers)
        return
    before = leakage.live_leaked if case.measured_live else None
    excess = Decimal(leakage.leaked - (before or 0)) / leakage.rows
    numbers |= {"rows": str(leakage.rows), "leaked": str(leakage.leaked), "excess": compact(excess)}
    said = f"{leakage.leaked:,} of {counted(leakage.rows, 'holdout row')} were trained on ({_by_live(case, before)})"
    if excess <= policy.max_leakage:
        yield passed(gate, said, numbers)
    else:
        message = f"{said}, more than maxLeakage {brief(policy.max_leakage)} allows: the numbers cannot be believed"
        yield Finding(gate, Outcome.INCONCLUSIVE, Reason.LEAKAGE, message, numbers)


def _by_live(case: Case, leaked: int | None) -> str:
    if case.baseline is None:
        return "there is no live model"
    return "that is not known of the live model" if leaked is None else f"{leaked:,} by the live model"


def holdout_not_worn_out(case: Case, policy: Policy) -> Iterator[Finding]:
    """Each decision tells something of the holdout: after maxDecisions it is no longer unseen."""
    gate, decisions, most = GateName.HOLDOUT_NOT_WORN_OUT, case.decisions, policy.max_decisions
    numbers = {"maxDecisions": str(most)}
    if not case.report.holdout_digest:
        yield not_measured(gate, _UNKNOWN, numbers)
    elif decisions is None:
        yield not_measured(gate, "How many decisions were taken on this holdout is not known", numbers)
    elif decisions <= most:
        yield passed(gate, f"This is decision {decisions:,} on this holdout", numbers | {"decisions": str(decisions)})
    else:
        message = f"This is decision {decisions:,} on this holdout, and the policy takes {most:,} (maxDecisions): rotate the holdout"
        yield Finding(gate, Outcome.INCONCLUSIVE, Reason.HOLDOUT_WORN_OUT, message, numbers | {"decisions": str(decisions)})
