"""What was there before us, recorded before anything is changed; and the public copy of what is live."""

from dataclasses import replace
from datetime import datetime

from modelsafeguard.core.annotations import REBASED_BY, signature
from modelsafeguard.core.lifecycle.readiness import model_problem
from modelsafeguard.core.lifecycle.step import ApplyServing, Emit, PublishLive, Step, WriteModel, step
from modelsafeguard.core.lifecycle.world import Observed
from modelsafeguard.core.model import Live, Model, OnDrift
from modelsafeguard.core.numbers import label
from modelsafeguard.core.report import Baseline

ADOPTED_VERSION = "adopted"
UNCHECKED_SIGNATURE = "the API server does not check who signs, or the operator may not see whether it does (install manifests/admission)"


def record_found(observed: Observed, now: datetime) -> Step | None:
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

    Annotations that cannot be read are left to the person who wrote them: ours might not be the ones that are wrong. Where the API
    server refuses them nothing waits for them: candidates are compared with the record.
    """
    status = observed.present.status
    if status.live is None or status.live.published or observed.public.problem:
        return None
    if observed.public.matches_live:
        published = replace(status, live=replace(status.live, published=True), publish_refused="")
        return step("the annotations are those of the live version", WriteModel(published))
    annotate = PublishLive(status.live)
    refusal = observed.refusal(annotate)
    if refusal is None:
        return step("the annotations are still those of the version before", annotate)
    if refusal.said == status.publish_refused:
        return None
    return step("the annotations are refused", WriteModel(replace(status, publish_refused=refusal.said)))


def rebase(observed: Observed) -> Step | None:
    """Take notice of a signature for the annotated numbers, once: where it was checked, they become the baseline.

    The budget of losses begins anew then; a signature for the very numbers of the record accepts just that.

    One that comes at the wrong time, or that anybody could have set, accepts nothing, now or later: it must be removed and given anew.
    """
    model = observed.present
    status, live, signature = model.status, model.status.live, signature_of(model)
    if signature == status.rebased_by:
        return None
    seen = replace(status, rebased_by=signature)
    if why := _not_acceptable(observed) if signature else "":
        message = f"the signature of {signature} accepts nothing: {why}; remove annotation {REBASED_BY} and sign again"
        told = Emit(None, "SignatureIgnored", message, warning=True, key=model.meta.resource_version)
        return step("a signature that does not count", told, WriteModel(seen))
    annotated = observed.public.baseline
    if not signature or live is None or annotated is None or (_same_numbers(live, annotated) and not live.below_best):
        return step("a signature, and nothing to accept", WriteModel(seen))
    accepted = replace(live, metrics=annotated.metrics, holdout_digest=annotated.holdout_digest, published=False, below_best={})
    what = "the numbers of" if _same_numbers(live, annotated) else "other numbers for"
    message = f"{signature} accepted {what} live version {live.version}: {_changes(live, accepted)}"[:1000]
    told = Emit(None, "BaselineRebased", message, key=model.meta.resource_version)
    return step("a person has signed for the baseline", told, WriteModel(replace(seen, live=accepted)))


def _same_numbers(live: Live, annotated: Baseline) -> bool:
    return annotated.metrics == live.metrics and annotated.holdout_digest == live.holdout_digest


def _not_acceptable(observed: Observed) -> str:
    status = observed.present.status
    if observed.public.problem:
        return observed.public.problem
    if status.rollout:
        return "another version is becoming live"
    if status.live and not status.live.published:
        return f"the numbers of live version {status.live.version} are not annotated yet"
    return "" if observed.signatures_checked else UNCHECKED_SIGNATURE


def signature_of(model: Model) -> str:
    """Who has signed for other numbers; '' for nobody."""
    return signature(model.meta, REBASED_BY)


def _changes(before: Live, after: Live) -> str:
    names = [name for name in {**before.metrics, **after.metrics} if before.metrics.get(name) != after.metrics.get(name)]
    shown = [f"{label(name)} {before.metrics.get(name, 'none')} → {after.metrics.get(name, 'none')}" for name in names]
    if before.holdout_digest != after.holdout_digest:
        shown.append("another holdout")
    forgiven = ", ".join(f"{label(name)} was {distance} below the best" for name, distance in before.below_best.items())
    return ", ".join([*shown, *([f"the budget of losses begins anew ({forgiven})"] if forgiven else [])])


def restore_drift(observed: Observed) -> Step | None:
    """Where the owner asked for it, put back what somebody else changed; otherwise it is only reported.

    Before the first rollout nothing on the Deployment is ours, and nobody drifts from it.
    """
    model, deployment = observed.present, observed.deployment
    problem, live = model_problem(observed), model.status.live
    if problem is None or problem.reason != "ServingDrifted" or live is None or deployment is None:
        return None
    if model.status.rollout or model.spec.serving.on_drift is not OnDrift.RESTORE or deployment.serving == live.serving:
        return None
    if deployment.paused or deployment.replicas == 0:
        return None
    patch = ApplyServing(live.serving)
    if observed.refusal(patch):
        return None
    message = f"{problem.message.partition(';')[0]}; it is put back, as spec.serving.onDrift asks"
    restored = Emit(None, "DriftRestored", message, warning=True, key=f"{deployment.uid}-{deployment.generation}")
    return step("drift is restored, as spec.serving.onDrift asks", WriteModel(model.status), restored, patch)
