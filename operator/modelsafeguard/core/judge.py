"""The decision on one candidate: which baseline counts, what the gates found, and the one sentence that says it."""

from collections.abc import Sequence
from decimal import Decimal

from modelsafeguard.core.gates import GATES, NO_BASELINE, Case
from modelsafeguard.core.numbers import brief, compact, label, signed
from modelsafeguard.core.policy import Policy, Promotion
from modelsafeguard.core.report import Baseline, Evidence, Report
from modelsafeguard.core.verdict import Finding, Judgement, Outcome, Reason, Verdict, worst

_VERDICTS = {
    Outcome.PASSED: None,
    Outcome.NOT_MEASURED: Verdict.INCONCLUSIVE,
    Outcome.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    Outcome.REJECTED: Verdict.REJECTED,
    Outcome.FAILED: Verdict.FAILED,
}

_SOURCES = {
    Evidence.PAIRED: "its stored predictions",
    Evidence.RESCORED: "the trainer's live_predicted",
    Evidence.ANNOTATED: "its annotations, measured",
}


def judge(policy: Policy, report: Report, baseline: Baseline | None) -> Judgement:
    """Judge a candidate by the policy against the live model.

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

    Sentences name every metric of the policy that was compared, in the policy's order. A number that is missing or not legal
    gives Failed or Inconclusive with the sentences of the gates that found it.

    Returns:
        A judgement with ``verdict`` None when the candidate has passed. Under ``promotion: DryRun`` passed, Rejected and
        Inconclusive all become DryRun, with the reason kept and a sentence that says what would have happened; Failed stays.
    """
    case = choose_baseline(report, baseline)
    findings = tuple(finding for gate in GATES for finding in gate(case, policy))
    outcome = worst(findings)
    deltas = {rule.name: delta for rule in policy.metrics if (delta := case.delta(rule.name)) is not None}
    if outcome is Outcome.PASSED:
        reason, message = _passed(policy, baseline, deltas)
    elif outcome is Outcome.REJECTED:
        reason, message = _rejected(policy, findings, deltas)
    else:
        reason, message = _stopped(findings, outcome)
    verdict = _VERDICTS[outcome]
    if policy.promotion is Promotion.DRY_RUN and verdict is not Verdict.FAILED:
        word = "Promoted" if verdict is None else str(verdict)
        verdict, message = Verdict.DRY_RUN, f"Would have been {word}: {message}"
    return Judgement(verdict, reason, message, findings, {name: Decimal(compact(delta)) for name, delta in deltas.items()})


def choose_baseline(report: Report, baseline: Baseline | None) -> Case:
    """Which numbers to compare with.

    The recorded (annotated) numbers count when they were measured on the candidate's holdout, or when it is not known on which
    holdout they were measured. Otherwise the live model's numbers on the candidate's own holdout count, if ``measure`` has them
    for this very live version. Numbers from two different holdouts are never compared.
    """
    if baseline is None:
        return Case(report, None)
    if baseline.holdout_digest in {"", report.holdout_digest}:
        return Case(report, baseline, Evidence.ANNOTATED, baseline.metrics)
    if report.live_evidence is not Evidence.NONE and report.live_version == baseline.version:
        return Case(report, baseline, report.live_evidence, report.live_metrics)
    candidate = "measured on another holdout" if report.holdout_digest else "without predictions.csv, so on an unknown holdout"
    return Case(
        report,
        baseline,
        obstacle=f"The live model {baseline.version} was measured on one holdout and the candidate {candidate}: let the trainer write "
        "predictions.csv with a live_predicted column, or train with the live model's holdout",
    )


def comparison(report: Report, baseline: Baseline | None) -> str:
    """What a candidate was compared with, for a person: the reason of a verdict has no room for it."""
    if baseline is None:
        return "there was no previous model to compare with"
    case = choose_baseline(report, baseline)
    if case.obstacle:
        return f"not compared with version {baseline.version}: no numbers of it are of the candidate's holdout"
    unknown = case.evidence is Evidence.ANNOTATED and not baseline.holdout_digest
    holdout = "a holdout that is not known" if unknown else f"the same {report.holdout_rows:,} rows"
    return f"compared with version {baseline.version} by {_SOURCES[case.evidence]} on {holdout}"


def _passed(policy: Policy, baseline: Baseline | None, deltas: dict[str, Decimal]) -> tuple[str, str]:
    if baseline is None:
        return Reason.NO_BASELINE, NO_BASELINE
    if max(deltas.values()) > 0 and min(deltas.values()) >= 0:
        return Reason.PERFORMANCE_IMPROVED, f"Performance improved: {_changes(policy, deltas)}"
    return Reason.PERFORMANCE_MAINTAINED, "Performance maintained within tolerance"


def _rejected(policy: Policy, findings: Sequence[Finding], deltas: dict[str, Decimal]) -> tuple[str, str]:
    if any(finding.reason == Reason.PERFORMANCE_DEGRADED for finding in findings):
        return Reason.PERFORMANCE_DEGRADED, f"Performance degraded: {_changes(policy, deltas)}"
    return Reason.GAIN_TOO_SMALL, f"Performance did not improve enough: {_changes(policy, deltas, required=True)}"


def _stopped(findings: Sequence[Finding], outcome: Outcome) -> tuple[str, str]:
    deciding = [finding for finding in findings if finding.outcome is outcome]
    return deciding[0].reason, "; ".join(dict.fromkeys(finding.message for finding in deciding))


def _changes(policy: Policy, deltas: dict[str, Decimal], *, required: bool = False) -> str:
    parts = []
    for rule in policy.metrics:
        if rule.name in deltas:
            missed = required and deltas[rule.name] < -rule.max_drop
            demand = f" (required +{brief(-rule.max_drop)})" if missed else ""
            parts.append(f"{label(rule.name)} {signed(deltas[rule.name], rule.max_drop)}{demand}")
    return ", ".join(parts)
