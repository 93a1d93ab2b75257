"""What was there before us, recorded before anything is changed; and the public copy of what is live."""

from dataclasses import replace
from datetime import datetime

from modelsafeguard.core.lifecycle.readiness import model_problem
from modelsafeguard.core.lifecycle.step import ApplyServing, Emit, PublishLive, Step, WriteModel, step
from modelsafeguard.core.lifecycle.world import Observed
from modelsafeguard.core.model import Live, OnDrift

ADOPTED_VERSION = "adopted"


def look(observed: Observed, now: datetime) -> Step | None:
    """Record what the Deployment looks like, and adopt a model that was live already by its annotations."""
    model, deployment = observed.present, observed.deployment
    status = model.status
    if deployment is None or deployment.problem or status.rollout or status.live or observed.rival:
        return None
    annotated = observed.public.baseline
    if annotated is None or observed.public.problem:
        if status.found == deployment.serving:
            return None
        return step("what the Deployment looks like is recorded", WriteModel(replace(status, found=deployment.serving)))
    live = Live(
        version=annotated.version or ADOPTED_VERSION,
        metrics=annotated.metrics,
        since=now,
        serving=deployment.serving,
        holdout_digest=annotated.holdout_digest,
        adopted=True,
        published=True,
    )
    adopted = Emit(
        None, "ModelAdopted", f"the annotations are the baseline of the model that was live already ({live.version})", key=live.version
    )
    return step("a model was live already", adopted, WriteModel(replace(status, found=deployment.serving, live=live)))


def publish(observed: Observed) -> Step | None:
    """Write the annotations of a newly live version, and only then hold people to them.

    Annotations that cannot be read are left to the person who wrote them: ours might not be the ones that are wrong.
    """
    status = observed.present.status
    if status.live is None or status.live.published or observed.public.problem:
        return None
    published = WriteModel(replace(status, live=replace(status.live, published=True)))
    if observed.public.matches_live:
        return step("the annotations are those of the live version", published)
    return step("the annotations are still those of the version before", PublishLive(status.live))


def restore_drift(observed: Observed) -> Step | None:
    """Where the owner asked for it, put back what somebody else changed; otherwise it is only reported.

    Before the first rollout nothing on the Deployment is ours, and nobody drifts from it.
    """
    model, deployment = observed.present, observed.deployment
    problem, live = model_problem(observed), model.status.live
    if problem is None or problem.reason not in ("ServingDrifted", "FieldConflict") or live is None or deployment is None:
        return None
    if model.status.rollout or model.spec.serving.on_drift is not OnDrift.RESTORE or deployment.serving == live.serving:
        return None
    if deployment.paused or deployment.replicas == 0:
        return None
    restored = Emit(None, "DriftRestored", problem.message, warning=True, key=deployment.resource_version)
    return step("drift is restored, as spec.serving.onDrift asks", WriteModel(model.status), restored, ApplyServing(live.serving))
