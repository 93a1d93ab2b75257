"""Conditions, computed from the rest of the status in one place: observations for people and tools, never decided from."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from modelsafeguard.core.judge import comparison
from modelsafeguard.core.lifecycle.pinning import pin_problem
from modelsafeguard.core.lifecycle.readiness import model_problem
from modelsafeguard.core.lifecycle.world import Observed
from modelsafeguard.core.model import Condition, ModelStatus
from modelsafeguard.core.request import RequestStatus, Stage
from modelsafeguard.core.text import one_line
from modelsafeguard.core.verdict import Verdict

Fact = tuple[str, str, str, str]  # type, status, reason, message


def with_model_conditions(observed: Observed, status: ModelStatus, now: datetime) -> ModelStatus:
    """The status with its conditions: Ready and Progressing always; kstatus' Reconciling and Stalled, and Unpublished, only while true.

    A model whose new version is being rolled out is still Ready: the previous version serves (kserve #5443).
    """
    model = observed.present
    facts = list(_model_facts(replace(observed, model=replace(model, status=status))))
    generation = model.meta.generation
    conditions = _merged(model.status.conditions, facts, generation, now)
    return replace(status, observed_generation=generation, conditions=conditions)


def _model_facts(observed: Observed) -> Iterable[Fact]:
    status = observed.present.status
    problem = model_problem(observed) or pin_problem(observed)
    if problem:
        yield "Ready", "False", problem.reason, problem.message
        yield ("Reconciling" if problem.transient else "Stalled"), "True", problem.reason, problem.message
    elif status.live is None:
        yield "Ready", "True", "NoModelYet", f"no version is live yet; the first request brings one{_warning(observed)}"
    else:
        yield "Ready", "True", "Serving", f"version {status.live.version} is live{_warning(observed)}"
    if status.rollout:
        message = f"version {status.rollout.to.version} is being rolled out ({status.rollout.phase})"
        yield "Progressing", "True", str(status.rollout.phase), message
        if not problem:
            yield "Reconciling", "True", str(status.rollout.phase), message
    elif status.verification:
        message = f"version {status.verification.version} is pinned: its files are verified before it is rolled out"
        yield "Progressing", "True", "Verifying", message
        if not problem:
            yield "Reconciling", "True", "Verifying", message
    else:
        yield "Progressing", "False", "NoRollout", "no rollout is under way"
    if status.live and not status.live.published and status.publish_refused:
        message = f"the annotations are not those of live version {status.live.version} yet; let the operator write them, it tries again"
        yield "Unpublished", "True", "AnnotationsRefused", f"{message}: {status.publish_refused}"


def _warning(observed: Observed) -> str:
    claim = observed.claim
    if claim is None or "ReadWriteMany" in claim.access_modes:
        return ""
    return f" (claim {claim.name} is ReadWriteOnce: trainings run on the serving pods' node; use ReadWriteMany where there is another)"


def with_request_conditions(status: RequestStatus, before: RequestStatus, generation: int, now: datetime) -> RequestStatus:
    """The status with its five conditions; ``Finished`` turns True on every end, ``Succeeded`` only if promoted."""
    facts = _request_facts(status)
    return replace(status, observed_generation=generation, conditions=_merged(before.conditions, facts, generation, now))


def _request_facts(status: RequestStatus) -> Iterable[Fact]:
    verdict, text = status.verdict, status.waiting or status.message
    stage = str(status.stage or Stage.QUEUED)
    if verdict:
        yield "Finished", "True", str(verdict), status.message
        yield "Succeeded", ("True" if verdict is Verdict.PROMOTED else "False"), str(verdict), status.message
    else:
        yield "Finished", "False", stage, text
        yield "Succeeded", "Unknown", stage, text
    trained = f"version {status.version} was trained and published"
    yield _past("Trained", trained, done=status.report is not None, over=verdict is not None, stage=stage)
    yield _past("Evaluated", _compared(status), done=bool(status.findings), over=verdict is not None, stage=stage)
    yield _past("Promoted", status.message, done=verdict is Verdict.PROMOTED, over=verdict is not None, stage=stage)


def _compared(status: RequestStatus) -> str:
    frozen, report = status.frozen, status.report
    return comparison(report, frozen.baseline) if frozen and report else ""


def _past(kind: str, message: str, *, done: bool, over: bool, stage: str) -> Fact:
    if done:
        return kind, "True", kind, message
    return (kind, "False", f"Not{kind}", "") if over else (kind, "Unknown", stage, "")


def _merged(before: tuple[Condition, ...], facts: Iterable[Fact], generation: int, now: datetime) -> tuple[Condition, ...]:
    """``lastTransitionTime`` moves only when ``status`` does (API conventions): else every look would be a write."""
    known = {condition.type: condition for condition in before}
    merged = []
    for kind, status, reason, message in facts:
        old = known.get(kind)
        since = old.last_transition_time if old and old.status == status else now
        merged.append(Condition(kind, status, reason, one_line(message)[:1024], since, generation))
    return tuple(merged)
