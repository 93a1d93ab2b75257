"""From a stored report to a decision: judged against the frozen baseline, and again when the live model has changed since."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from modelsafeguard.core.judge import judge
from modelsafeguard.core.lifecycle.approval import awaiting, needs_approval
from modelsafeguard.core.lifecycle.holdouts import decisions_on
from modelsafeguard.core.lifecycle.outcomes import finish
from modelsafeguard.core.lifecycle.readiness import model_problem
from modelsafeguard.core.lifecycle.step import Step, WriteRequest, step
from modelsafeguard.core.lifecycle.world import Observed
from modelsafeguard.core.model import Live
from modelsafeguard.core.numbers import signed
from modelsafeguard.core.policy import Policy
from modelsafeguard.core.profiles import Mode
from modelsafeguard.core.report import Baseline, Report
from modelsafeguard.core.request import Frozen, Request, Stage
from modelsafeguard.core.verdict import Ending, Verdict


def baseline_of(live: Live | None) -> Baseline | None:
    """The live model's numbers as a candidate is compared with them."""
    return Baseline(live.version, live.metrics, live.holdout_digest, live.model_digest, live.below_best) if live else None


# While one of these stands, the numbers or the Deployment are in doubt: nothing is judged.
BLOCKING = {"BaselineInvalid", "BaselineChanged", "BaselineMissing", "ServingDrifted", "FieldConflict", "Conflict", "InvalidSpec"}


def judge_or_wait(observed: Observed, request: Request, now: datetime) -> Step | None:
    """A report was stored while judging was blocked: judge it as soon as that is settled, or fail at the deadline."""
    report, deadline = request.status.report, request.status.deadline
    assert report is not None
    problem = model_problem(observed)
    if problem is None or problem.reason not in BLOCKING:
        return explained("judging is possible again", _judgement(observed, request, report, now))
    if deadline and now >= deadline:
        message = f"trained, but not judged within {observed.present.spec.serving.progress_deadline_seconds} s: {problem.message}"
        return step("judging stayed blocked", finish(request, Ending(Verdict.FAILED, problem.reason, message), now))
    if request.status.waiting != problem.message:
        return step("judging is blocked by something else", WriteRequest(request, replace(request.status, waiting=problem.message)))
    return None


def judged(observed: Observed, request: Request, report: Report, now: datetime) -> WriteRequest:
    """Store the report, so that its Job may go, and judge it in the same write unless something is in doubt."""
    problem = model_problem(observed)
    if problem is None or problem.reason not in BLOCKING:
        return _judgement(observed, request, report, now)
    deadline = now + timedelta(seconds=observed.present.spec.serving.progress_deadline_seconds)
    status = replace(request.status, stage=Stage.JUDGING, report=report, waiting=problem.message, deadline=deadline)
    return WriteRequest(request, status)


def explained(why: str, written: WriteRequest) -> Step:
    """A step with what every gate found, for who reads along."""
    findings = (
        f"{'warning: ' if each.mode is Mode.WARN else ''}{each.gate} {each.outcome} ({each.message})" for each in written.status.findings
    )
    return step("; ".join([f"{why}: {written.status.message or written.status.waiting}", *findings]), written)


def _judgement(observed: Observed, request: Request, report: Report, now: datetime, frozen: Frozen | None = None) -> WriteRequest:
    """Report, findings and decision in one write: a verdict, or the order to roll out."""
    frozen = frozen or request.status.frozen
    assert frozen is not None
    decisions = decisions_on(observed.present.status, report.holdout_digest)
    judgement = judge(frozen.policy, report, frozen.baseline, decisions)
    status = replace(
        request.status,
        frozen=frozen,
        report=report,
        findings=judgement.findings,
        decisions=decisions,
        deltas=_shown(frozen.policy, judgement.deltas),
        reason=judgement.reason,
        message=judgement.message,
    )
    if judgement.verdict:
        return finish(request, Ending(judgement.verdict, judgement.reason, judgement.message), now, status)
    if judgement.needs_approval:
        return WriteRequest(request, awaiting(observed.present, request, status, now, judgement.message))
    if needs_approval(observed.present, frozen.policy):
        return WriteRequest(request, awaiting(observed.present, request, status, now))
    deadline = now + timedelta(seconds=observed.present.spec.serving.progress_deadline_seconds)
    return WriteRequest(request, replace(status, stage=Stage.ROLLING_OUT, waiting="", deadline=deadline))


def _shown(policy: Policy, deltas: Mapping[str, Decimal]) -> dict[str, str]:
    return {rule.name: signed(deltas[rule.name], rule.max_drop) for rule in policy.metrics if rule.name in deltas}


def rejudged(observed: Observed, request: Request, now: datetime) -> Step | None:
    """Judge once more if the live model is no longer the one that the candidate was compared with; None if it still is.

    Nor while something is in doubt: then the candidate waits before its rollout.
    """
    problem = model_problem(observed)
    if problem and problem.reason in BLOCKING:
        return None
    frozen, report = request.status.frozen, request.status.report
    assert frozen is not None
    assert report is not None
    baseline = baseline_of(observed.present.status.live)
    if baseline == frozen.baseline:
        return None
    return explained("the live model has changed meanwhile", _judgement(observed, request, report, now, replace(frozen, baseline=baseline)))
