"""A rollout from its intent to its end: applied, watched, baked; or undone from the record, whoever is left to ask for it.

Everything here rests on ``status.rollout``, so a rollout is ended even when its request was deleted.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from modelsafeguard.core.cluster import Deployment, Pod
from modelsafeguard.core.contract import version_path
from modelsafeguard.core.gates import choose_baseline
from modelsafeguard.core.gates.budget import below_best_after, evidence_of
from modelsafeguard.core.lifecycle.bake import bake_violation, marks
from modelsafeguard.core.lifecycle.outcomes import pin_ended
from modelsafeguard.core.lifecycle.readiness import Problem, expected_serving, rollout_obstacle
from modelsafeguard.core.lifecycle.records import closed, judged_text
from modelsafeguard.core.lifecycle.step import ApplyServing, Emit, Step, WriteModel, step
from modelsafeguard.core.lifecycle.world import Observed, cancelled
from modelsafeguard.core.model import Live, PodMark, Rollout, RolloutPhase, ServingState
from modelsafeguard.core.request import Request
from modelsafeguard.core.verdict import Ending, Verdict

_RESTORED = "; the previous version is restored"


def begin(observed: Observed, request: Request, now: datetime) -> Step:
    """Write the intent of rolling out an accepted candidate, before anything is patched."""
    report, frozen = request.status.report, request.status.frozen
    assert report is not None
    assert frozen is not None
    case = choose_baseline(report, frozen.baseline)
    candidate = Live(
        version=report.version,
        metrics=report.metrics,
        since=now,
        serving=serving_of(observed, report.version, report.manifest_digest),
        holdout_digest=report.holdout_digest,
        manifest_digest=report.manifest_digest,
        model_digest=report.model_digest,
        training_date=report.training_date,
        request_uid=request.meta.uid,
        below_best=below_best_after(case, frozen.policy),
        evidence=evidence_of(case),
    )
    rollout = replace(
        intent(observed, candidate, request.meta.uid, request.status.message, now),
        request_name=request.meta.name,
        judged=judged_text(request),
    )
    return step("accepted: the rollout is recorded", WriteModel(replace(observed.present.status, rollout=rollout)))


def serving_of(observed: Observed, version: str, manifest_digest: str) -> ServingState:
    """The Deployment's fields of ours while it serves this version."""
    path = version_path(observed.present.spec.storage.path, version)
    return ServingState(sub_path=path, version=version, digest=manifest_digest, annotation=version)


def intent(observed: Observed, candidate: Live, owner: str, message: str, now: datetime) -> Rollout:
    """A rollout that begins: with all that is needed to finish or undo it. ``owner`` is its ``request_uid``."""
    before = expected_serving(observed)
    assert before is not None
    return Rollout(
        request_uid=owner,
        phase=RolloutPhase.APPLYING,
        from_=before,
        to=candidate.serving,
        candidate=candidate,
        started_at=now,
        deadline=now + timedelta(seconds=observed.present.spec.serving.progress_deadline_seconds),
        message=message,
    )


def advance_rollout(observed: Observed, now: datetime) -> Step | None:
    """The next step of the rollout under way; None while it waits for the Deployment or the clock."""
    rollout = observed.present.status.rollout
    if rollout is None:
        return None
    if rollout.phase is RolloutPhase.APPLYING:
        return _apply(observed, rollout, now)
    if rollout.phase is RolloutPhase.UNDOING:
        return _undo(observed, rollout, now)
    return _watch(observed, rollout, now)


@dataclass(frozen=True)
class _Withdrawal:
    """Why a rollout is no longer wanted: a machine reason, and the beginning of a sentence."""

    reason: str
    text: str


def _withdrawal(observed: Observed, rollout: Rollout) -> _Withdrawal | None:
    pin = observed.present.spec.pin
    if rollout.pinned:
        return None if pin and pin.version == rollout.to.version else _Withdrawal("Unpinned", "the pin was taken back")
    if cancelled(observed.active):
        return _Withdrawal("Cancelled", "cancelled")
    if pin and pin.version != rollout.to.version:
        return _Withdrawal("Pinned", f"version {pin.version} was pinned")
    return None


def _apply(observed: Observed, rollout: Rollout, now: datetime) -> Step | None:
    deployment = observed.deployment
    if deployment is not None and deployment.serving == rollout.to:
        serving = observed.present.spec.serving
        progressing = replace(
            rollout,
            phase=RolloutPhase.PROGRESSING,
            generation=deployment.generation,
            patched_at=now,
            deadline=now + timedelta(seconds=serving.progress_deadline_seconds),
        )
        started = Emit(
            observed.active,
            "RolloutStarted",
            f"Deployment {deployment.name} is being rolled out to version {rollout.to.version}",
            key=rollout.request_uid,
        )
        return step("the Deployment is patched", started, WriteModel(replace(observed.present.status, rollout=progressing)))
    if withdrawn := _withdrawal(observed, rollout):
        message = f"{withdrawn.text} before the Deployment was patched"
        return _close(observed, rollout, now, Ending(Verdict.CANCELLED, withdrawn.reason, message))
    obstacle = rollout_obstacle(observed) or _changed_before(observed, rollout)
    if obstacle and now >= rollout.deadline:
        message = f"accepted, but the Deployment could not be patched in time: {obstacle.message}"
        return _close(observed, rollout, now, Ending(Verdict.FAILED, obstacle.reason, message))
    if obstacle:
        return None
    patch = ApplyServing(rollout.to)
    if refusal := observed.refusal(patch):
        message = f"accepted, but the Deployment could not be patched in time: {refusal.said}"
        return _give_up_refused(observed, rollout, now, Ending(Verdict.FAILED, "RolloutNotApplied", message[:2000]))
    return step("the Deployment is still the recorded one: patch it", WriteModel(observed.present.status), patch)


def _changed_before(observed: Observed, rollout: Rollout) -> Problem | None:
    deployment = observed.deployment
    if deployment is None or deployment.serving == rollout.from_:
        return None
    return Problem("ServingDrifted", f"somebody else changed what Deployment {deployment.name} serves; nothing was patched")


def _watch(observed: Observed, rollout: Rollout, now: datetime) -> Step | None:
    """Progressing or baking: what ends it, worst first."""
    deployment = observed.deployment
    if deployment is not None and deployment.serving not in (rollout.to, rollout.from_):
        message = f"somebody else changed what Deployment {deployment.name} serves during the rollout; it was left as it is now"
        return _close(observed, rollout, now, Ending(Verdict.FAILED, "ServingDrifted", message))
    if deployment is not None and deployment.serving == rollout.from_:
        return _begin_undo(observed, rollout, now, "UndoneByOther", "somebody else put the previous version back during the rollout")
    if deployment is None:
        return _give_up_without_deployment(observed, rollout, now)
    if withdrawn := _withdrawal(observed, rollout):
        return _begin_undo(observed, rollout, now, withdrawn.reason, f"{withdrawn.text} during the rollout")
    if rollout.phase is RolloutPhase.BAKING:
        return _bake(observed, rollout, deployment, now)
    if complete(deployment, rollout.generation) and (marked := marks(observed.serving_pods, rollout)):
        return _begin_bake(observed, rollout, marked, now)
    if why := _late(deployment, rollout, observed.serving_pods, now):
        return _begin_undo(observed, rollout, now, "ProgressDeadlineExceeded", why)
    return None


def complete(deployment: Deployment, generation: int) -> bool:
    """Whether all pods are new and available; a status older than our patch is not believed."""
    return (
        deployment.observed_generation >= max(generation, deployment.generation)
        and deployment.replicas > 0
        and deployment.updated_replicas == deployment.current_replicas == deployment.available_replicas == deployment.replicas
    )


def _late(deployment: Deployment, rollout: Rollout, pods: tuple[Pod, ...], now: datetime) -> str:
    """Why the rollout has missed its deadline, by ours or by the Deployment's own; empty while there is time.

    A ``ProgressDeadlineExceeded`` from before our patch is left over from an earlier rollout (kubernetes #124264).
    """
    stalled = (
        deployment.stalled_at is not None
        and rollout.patched_at is not None
        and deployment.observed_generation >= rollout.generation
        and deployment.stalled_at > rollout.patched_at
    )
    if now < rollout.deadline and not stalled:
        return ""
    new = [pod for pod in pods if pod.version == rollout.to.version and not pod.deleting]
    trouble = next((pod.trouble for pod in new if pod.trouble), "") or next(
        (f"pod {pod.name} is not ready" for pod in new if not pod.ready), ""
    )
    ready = sum(pod.ready for pod in new)
    return f"{ready} of {deployment.replicas} new pods became ready in time" + (f" ({trouble})" if trouble else "")


def _begin_bake(observed: Observed, rollout: Rollout, marked: tuple[PodMark, ...], now: datetime) -> Step:
    baking = replace(
        rollout,
        phase=RolloutPhase.BAKING,
        pods=marked,
        bake_until=now + timedelta(seconds=observed.present.spec.serving.bake_seconds),
    )
    return step("all pods are new and ready: the bake begins", WriteModel(replace(observed.present.status, rollout=baking)))


def _bake(observed: Observed, rollout: Rollout, deployment: Deployment, now: datetime) -> Step | None:
    if violation := bake_violation(rollout, observed.serving_pods):
        return _begin_undo(observed, rollout, now, "BakeFailed", violation)
    assert rollout.bake_until is not None
    if now < rollout.bake_until:
        return None
    if complete(deployment, rollout.generation):
        return _close(observed, rollout, now, Ending(Verdict.PROMOTED, "Promoted", rollout.message))
    if now >= rollout.bake_until + timedelta(seconds=observed.present.spec.serving.progress_deadline_seconds):
        return _begin_undo(observed, rollout, now, "BakeFailed", "the Deployment was not fully available after the bake")
    return None


def _begin_undo(observed: Observed, rollout: Rollout, now: datetime, reason: str, why: str) -> Step:
    undoing = replace(
        rollout,
        phase=RolloutPhase.UNDOING,
        verdict=Verdict.ROLLED_BACK,
        reason=reason,
        message=f"{why}{_RESTORED}",
        deadline=now + timedelta(seconds=observed.present.spec.serving.progress_deadline_seconds),
    )
    return step(why, WriteModel(replace(observed.present.status, rollout=undoing)))


def _undo(observed: Observed, rollout: Rollout, now: datetime) -> Step | None:
    """Put the recorded values back, and believe it only when the pods are there."""
    deployment = observed.deployment
    assert rollout.verdict is not None
    if deployment is None:
        return _give_up_without_deployment(observed, rollout, now)
    if deployment.serving == rollout.to and not deployment.other_managers:
        patch = ApplyServing(rollout.from_)
        if refusal := observed.refusal(patch):
            why = rollout.message.removesuffix(_RESTORED)
            message = f"{why}; but the previous version could not be restored: {refusal.said}"
            return _give_up_refused(observed, rollout, now, Ending(Verdict.FAILED, "UndoNotApplied", message[:2000]))
        return step("undo: the recorded values are put back", WriteModel(observed.present.status), patch)
    if deployment.serving != rollout.from_:
        why = rollout.message.removesuffix(_RESTORED)
        message = f"{why}; but somebody else set what Deployment {deployment.name} serves, it was left as it is"
        return _close(observed, rollout, now, Ending(rollout.verdict, rollout.reason, message))
    if complete(deployment, rollout.generation):
        return _close(observed, rollout, now, Ending(rollout.verdict, rollout.reason, rollout.message))
    if now >= rollout.deadline:
        message = f"{rollout.message}, but not all of its pods are available: see Deployment {deployment.name}"
        return _close(observed, rollout, now, Ending(rollout.verdict, rollout.reason, message))
    return None


def _give_up_without_deployment(observed: Observed, rollout: Rollout, now: datetime) -> Step | None:
    if now < rollout.deadline:
        return None
    message = f"Deployment {observed.present.spec.serving.deployment_name} disappeared during the rollout"
    return _close(observed, rollout, now, Ending(Verdict.FAILED, "DeploymentNotFound", message))


def _give_up_refused(observed: Observed, rollout: Rollout, now: datetime, ending: Ending) -> Step | None:
    """The API server does not take our patch: tried again until the deadline, and once after it, since an operator may have been away."""
    return _close(observed, rollout, now, ending) if now >= rollout.deadline else None


def _close(observed: Observed, rollout: Rollout, now: datetime, ending: Ending) -> Step:
    """End the rollout in one write: the live model, the record of the version, and what the request's verdict is taken from.

    A pin has no request that would tell how it ended.
    """
    told = [pin_ended(rollout.request_uid, rollout.to.version or "", ending)] if rollout.pinned else []
    return step(f"the rollout has ended: {ending.verdict}", *told, WriteModel(closed(observed.present, rollout, ending, now)))
