"""The decision on one candidate: which baseline counts, what the gates found, and the one sentence that says it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from modelsafeguard.core.gates import GATES, Case, choose_baseline
from modelsafeguard.core.gates.findings import NO_BASELINE
from modelsafeguard.core.numbers import brief, compact, label, signed
from modelsafeguard.core.policy import OnInconclusive, Policy, Promotion
from modelsafeguard.core.profiles import GateName, Mode
from modelsafeguard.core.report import Baseline, Evidence, Report
from modelsafeguard.core.verdict import Finding, Judgement, Outcome, Reason, Verdict, worst

_VERDICTS = {
    Outcome.PASSED: None,
    Outcome.NEEDS_APPROVAL: None,
    Outcome.NOT_MEASURED: Verdict.INCONCLUSIVE,
    Outcome.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    Outcome.UNCHANGED: Verdict.UNCHANGED,
    Outcome.REJECTED: Verdict.REJECTED,
    Outcome.FAILED: Verdict.FAILED,
}

_SOURCES = {
    Evidence.PAIRED: "its stored predictions",
    Evidence.RESCORED: "the trainer's live_predicted",
    Evidence.ANNOTATED: "its annotations, measured",
}


def judge(policy: Policy, report: Report, baseline: Baseline | None, decisions: int | None = None) -> Judgement:
    """Judge a candidate by the policy against the live model; ``decisions`` were taken on its holdout, this one included.

    The decision table of the point rule:

    | deltas                                               | verdict  | sentence                                            |
    |------------------------------------------------------|----------|-----------------------------------------------------|
    | no live model                                        | passed   | No previous model to compare against                |
    | at least one rose, none fell (+0.05/+0.04, +0.01/0)  | passed   | Performance improved: accuracy +0.0500, F1 +0.0400  |
    | some fell, none beyond its tolerance (-0.005/-0.003, | passed   | Performance maintained within tolerance             |
    |   +0.05/-0.003), or nothing changed (0/0)            |          |                                                     |
    | one or more fell beyond its tolerance                | Rejected | Performance degraded: accuracy -0.0500, F1 -0.0800  |
    | a required gain was missed without any such fall     | Rejected | Performance did not improve enough: accuracy        |
    |                                                      |          |   +0.0050 (required +0.01), F1 +0.0400              |

    Sentences name every metric of the policy that was compared, in the policy's order. Where another gate decides, it has the word, and
    further ones are named. A number that is missing or not legal gives Failed or Inconclusive in the words of the gates that found it.

    Returns:
        A judgement with ``verdict`` None when the candidate has passed, or waits for a person. Under ``promotion: DryRun`` all but
        Failed become DryRun, with the reason kept and a sentence that says what would have happened.
    """
    case = choose_baseline(report, baseline, decisions)
    findings = tuple(_findings(case, policy))
    outcome = worst(findings)
    deltas = _deltas(case, policy)
    if outcome is Outcome.PASSED:
        reason, message = _passed(policy, baseline, deltas)
    elif outcome is Outcome.REJECTED:
        reason, message = _rejected(policy, findings, deltas)
    else:
        reason, message = _stopped(_deciding(findings, outcome))
    verdict = _VERDICTS[outcome]
    asked = outcome is Outcome.NEEDS_APPROVAL
    if verdict is Verdict.INCONCLUSIVE and policy.on_inconclusive is OnInconclusive.AWAIT_APPROVAL:
        verdict, asked = None, True
    if policy.promotion is Promotion.DRY_RUN and verdict is not Verdict.FAILED:
        fate = "waited for a person" if asked else f"been {verdict or Verdict.PROMOTED}"
        verdict, asked, message = Verdict.DRY_RUN, False, f"Would have {fate}: {message}"
    return Judgement(verdict, reason, message, findings, {name: Decimal(compact(delta)) for name, delta in deltas.items()}, asked)


def _findings(case: Case, policy: Policy) -> Iterator[Finding]:
    for name, gate in GATES.items():
        mode = policy.mode(name)
        if mode is not Mode.OFF:
            yield from (replace(finding, mode=mode) for finding in gate(case, policy))


def _deltas(case: Case, policy: Policy) -> dict[str, Decimal]:
    """Those that decide: of the point rule where it is enforced, else by the best evidence."""
    by_points = policy.mode(GateName.METRIC_WITHIN_TOLERANCE) is Mode.ENFORCE
    found = {rule.name: case.delta(rule.name) if by_points else case.best_delta(rule.name)[0] for rule in policy.metrics}
    return {name: delta for name, delta in found.items() if delta is not None}


def _deciding(findings: Sequence[Finding], outcome: Outcome) -> list[Finding]:
    return [finding for finding in findings if finding.outcome is outcome and finding.mode is Mode.ENFORCE]


def comparison(report: Report, baseline: Baseline | None) -> str:
    """What a candidate was compared with, for a person: the reason of a verdict has no room for it."""
    if baseline is None:
        return "there was no previous model to compare with"
    case = choose_baseline(report, baseline)
    if case.obstacle:
        return f"not compared with version {baseline.version}: no numbers of it are of the candidate's holdout"
    unknown = case.evidence is Evidence.ANNOTATED and not baseline.holdout_digest
    holdout = "a holdout that is not known" if unknown else f"the same {report.holdout_rows:,} rows"
    rows = ", and row by row" if case.comparison else ""
    return f"compared with version {baseline.version} by {_SOURCES[case.evidence]} on {holdout}{rows}"


def _passed(policy: Policy, baseline: Baseline | None, deltas: dict[str, Decimal]) -> tuple[str, str]:
    if baseline is None:
        return Reason.NO_BASELINE, NO_BASELINE
    if any(rule.name not in deltas or deltas[rule.name] < -rule.max_drop for rule in policy.metrics):
        changes = _changes(policy, deltas) or "nothing could be compared"
        return Reason.TOLERANCE_NOT_ENFORCED, f"Accepted, because the policy enforces no tolerance: {changes}"
    if max(deltas.values()) > 0 and min(deltas.values()) >= 0:
        return Reason.PERFORMANCE_IMPROVED, f"Performance improved: {_changes(policy, deltas)}"
    return Reason.PERFORMANCE_MAINTAINED, "Performance maintained within tolerance"


def _rejected(policy: Policy, findings: Sequence[Finding], deltas: dict[str, Decimal]) -> tuple[str, str]:
    deciding = _deciding(findings, Outcome.REJECTED)
    by_points = [finding for finding in deciding if finding.gate == GateName.METRIC_WITHIN_TOLERANCE]
    if not by_points:
        return _stopped(deciding)
    if any(finding.reason == Reason.PERFORMANCE_DEGRADED for finding in by_points):
        reason, said = Reason.PERFORMANCE_DEGRADED, f"Performance degraded: {_changes(policy, deltas)}"
    else:
        reason, said = Reason.GAIN_TOO_SMALL, f"Performance did not improve enough: {_changes(policy, deltas, required=True)}"
    return reason, said + _also(deciding, GateName.METRIC_WITHIN_TOLERANCE)


def _stopped(deciding: Sequence[Finding]) -> tuple[str, str]:
    """The words of the first gate that decides, and the names of the others; of what is broken, all words."""
    first = deciding[0]
    said = [finding.message for finding in deciding if finding.gate == first.gate or first.outcome is Outcome.FAILED]
    also = "" if first.outcome is Outcome.FAILED else _also(deciding, first.gate)
    return first.reason, "; ".join(dict.fromkeys(said)) + also


def _also(deciding: Sequence[Finding], first: str) -> str:
    others = dict.fromkeys(finding.gate for finding in deciding if finding.gate != first)
    return f"; also {', '.join(others)}" if others else ""


def _changes(policy: Policy, deltas: dict[str, Decimal], *, required: bool = False) -> str:
    parts = []
    for rule in policy.metrics:
        if rule.name in deltas:
            missed = required and deltas[rule.name] < -rule.max_drop
            demand = f" (required +{brief(-rule.max_drop)})" if missed else ""
            parts.append(f"{label(rule.name)} {signed(deltas[rule.name], rule.max_drop)}{demand}")
    return ", ".join(parts)
