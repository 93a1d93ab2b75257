"""The one decision: given a model's world and the time, what is to be done next."""

from dataclasses import replace
from datetime import datetime, timedelta

from modelsafeguard.core.lifecycle.adoption import publish, rebase, record_found, restore_drift
from modelsafeguard.core.lifecycle.approval import make_way, note_deleted, resume, say_unchecked
from modelsafeguard.core.lifecycle.conditions import with_model_conditions, with_request_conditions
from modelsafeguard.core.lifecycle.pinning import VERIFY_SECONDS, advance_pin
from modelsafeguard.core.lifecycle.pruning import PRUNE_SECONDS, advance_prune, overdue
from modelsafeguard.core.lifecycle.queue import activate_oldest, orphaned, release, show_waiting
from modelsafeguard.core.lifecycle.readiness import model_problem
from modelsafeguard.core.lifecycle.requests import advance_request
from modelsafeguard.core.lifecycle.rollout import advance_rollout
from modelsafeguard.core.lifecycle.step import Effect, Emit, Step, WriteModel, WriteRequest, step
from modelsafeguard.core.lifecycle.world import Observed
from modelsafeguard.core.model import RolloutPhase
from modelsafeguard.core.request import Stage
from modelsafeguard.core.text import one_line

# Pods are not watched: while their own state matters they are looked at this often.
POD_SECONDS = 5.0
# Nor are claims: one that is missing is looked for this often while a request waits for it; else with the periodic list.
CLAIM_SECONDS = 15.0


def advance(observed: Observed, now: datetime) -> Step:
    """The next step for one model. Pure: no clock, no I/O; the same world and time give the same step.

    Rules in order, the first that has something to do decides: a rollout under way goes before everything, an active request
    before the queue, the queue before housekeeping.
    """
    now = now.replace(microsecond=0)  # what is written is in whole seconds, so that a value read back compares equal
    if observed.model is None or observed.model.meta.deleting:
        decided = orphaned(observed, now)
        return _completed(observed, decided, now) if decided.effects else replace(decided, wake_after=_wake(observed, now))
    decided = (
        advance_rollout(observed, now)
        or release(observed, now)
        or record_found(observed, now)
        or rebase(observed)
        or publish(observed)
        or advance_request(observed, now)
        or advance_pin(observed, now)
        or restore_drift(observed)
        or make_way(observed)
        or note_deleted(observed, now)
        or resume(observed, now)
        or say_unchecked(observed)
        or (advance_prune(observed, now) if overdue(observed.present) else None)
        or activate_oldest(observed, now)
        or advance_prune(observed, now)
        or show_waiting(observed, now)
        or _conditions(observed, now)
        or Step(why=_idle(observed))
    )
    return _completed(observed, decided, now) if decided.effects else replace(decided, wake_after=_wake(observed, now))


def _idle(observed: Observed) -> str:
    waits = observed.active.status.waiting if observed.active else ""
    return f"nothing to do: {waits}" if waits else "nothing to do"


def _conditions(observed: Observed, now: datetime) -> Step | None:
    status = observed.present.status
    if with_model_conditions(observed, status, now) == status:
        return None
    return step("conditions have changed", WriteModel(status))


def _completed(observed: Observed, decided: Step, now: datetime) -> Step:
    """Every status that is written carries its conditions, and what is told of the model is told on its record as it is now.

    Else a second operator with an old record would tell what the first has seen otherwise since, and cannot take it back.
    """
    effects = decided.effects
    if isinstance(effects[0], Emit) and effects[0].about is None:
        effects = (WriteModel(observed.present.status), *effects)
    return replace(decided, effects=tuple(_with_conditions(observed, effect, now) for effect in effects))


def _with_conditions(observed: Observed, effect: Effect, now: datetime) -> Effect:
    """Words of pods, Events and people are in its sentences: none of them may look like a line of its own, or steer a terminal."""
    match effect:
        case WriteModel(status=status):
            return WriteModel(with_model_conditions(observed, status, now))
        case WriteRequest(request=request, status=status):
            said = replace(status, message=one_line(status.message), waiting=one_line(status.waiting))
            return WriteRequest(request, with_request_conditions(said, request.status, request.meta.generation, now))
        case Emit():
            return replace(effect, message=one_line(effect.message), log=tuple(map(one_line, effect.log)))
        case _:
            return effect


def _wake(observed: Observed, now: datetime) -> float | None:
    """Seconds until the next deadline, or until pods must be looked at again; None when only an event can change anything."""
    times: list[datetime] = [request.status.deadline for request in observed.requests if request.status.deadline]
    if observed.model:
        status, problem = observed.model.status, model_problem(observed)
        if problem and problem.reason == "ClaimNotFound" and observed.requests:
            times.append(now + timedelta(seconds=CLAIM_SECONDS))
        if rollout := status.rollout:
            times.append(rollout.deadline)
            if rollout.bake_until:
                times.append(rollout.bake_until)
            if rollout.phase in (RolloutPhase.PROGRESSING, RolloutPhase.BAKING):
                times.append(now + timedelta(seconds=POD_SECONDS))
        if status.verification:
            times.append(status.verification.started_at + timedelta(seconds=VERIFY_SECONDS))
        if status.prune:
            times.append(status.prune.started_at + timedelta(seconds=PRUNE_SECONDS))
        active = observed.active
        if active and active.status.stage is Stage.TRAINING and not _running(observed, active.status.version):
            times.append(now + timedelta(seconds=POD_SECONDS))
    return min(((time - now).total_seconds() for time in times if time > now), default=None)


def _running(observed: Observed, job_name: str) -> bool:
    pods = observed.job_pods.get(job_name, ())
    return bool(pods) and all(pod.started for pod in pods)
