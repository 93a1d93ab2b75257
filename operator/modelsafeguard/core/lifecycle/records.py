"""The record of what happened, kept in the model's status after requests are gone."""

from dataclasses import replace
from datetime import datetime

from modelsafeguard.core.model import ActiveRequest, Best, LastRollout, Live, Model, ModelStatus, Rollout, VersionRecord
from modelsafeguard.core.replay import Judged, judged_to_text
from modelsafeguard.core.request import Request
from modelsafeguard.core.verdict import Ending, Verdict

# status.versions is bounded (the CRD's maxItems): the oldest pruned records leave first. Pruning sees to it that there are enough of
# them; should it not come to it, the oldest records leave all the same, and their folders are no longer known.
KEPT_RECORDS = 60
MOST_RECORDS = 100


def closed(model: Model, rollout: Rollout, ending: Ending, now: datetime) -> ModelStatus:
    """The status after a rollout has ended, whichever way."""
    status = model.status
    promoted = ending.verdict is Verdict.PROMOTED
    live = replace(rollout.candidate, since=now) if promoted else status.live
    record = _of_rollout(rollout, ending, now)
    return replace(
        status,
        rollout=None,
        live=live,
        best=_best(status.best, live, model.spec.policy.metrics[0].name) if promoted else status.best,
        last_rollout=LastRollout(rollout.request_uid, ending.verdict, ending.reason, ending.message, now),
        versions=recorded(status.versions, record),
    )


def _of_rollout(rollout: Rollout, ending: Ending, now: datetime) -> VersionRecord:
    candidate = rollout.candidate
    return VersionRecord(
        version=candidate.version,
        request_name=rollout.request_name,
        request_uid=rollout.request_uid,
        verdict=ending.verdict,
        reason=ending.reason,
        message=ending.message,
        finished_at=now,
        metrics=candidate.metrics,
        manifest_digest=candidate.manifest_digest,
        model_digest=candidate.model_digest,
        holdout_digest=candidate.holdout_digest,
        training_date=candidate.training_date,
        below_best=candidate.below_best,
        evidence=candidate.evidence,
        judged=rollout.judged,
    )


def of_request(request: Request) -> VersionRecord:
    """The record of a request that has its verdict."""
    status, report = request.status, request.status.report
    assert status.verdict is not None
    assert status.finished_at is not None
    return VersionRecord(
        version=status.version,
        request_name=request.meta.name,
        request_uid=request.meta.uid,
        verdict=status.verdict,
        reason=status.reason,
        message=status.message,
        finished_at=status.finished_at,
        metrics=report.metrics if report else {},
        manifest_digest=report.manifest_digest if report else "",
        model_digest=report.model_digest if report else "",
        holdout_digest=report.holdout_digest if report else "",
        training_date=report.training_date if report else "",
        judged=judged_text(request),
    )


def judged_text(request: Request) -> str:
    """What a request's candidate was judged on, as its version's record keeps it; '' if it was not judged."""
    status = request.status
    if status.report is None or status.frozen is None or not status.findings:
        return ""
    return judged_to_text(Judged(status.report, status.frozen.baseline, status.decisions))


def of_deleted(reference: ActiveRequest, version: str, now: datetime) -> VersionRecord:
    """The record of a request that was deleted before it had a verdict: what it left on the volume is still to be pruned."""
    message = "the request was deleted before it had a verdict"
    return VersionRecord(version, reference.name, reference.uid, Verdict.CANCELLED, "RequestDeleted", message, now)


def recorded(versions: tuple[VersionRecord, ...], record: VersionRecord) -> tuple[VersionRecord, ...]:
    """The records with this one added, each version once, oldest first, bounded."""
    if any(known.version == record.version for known in versions):
        return versions
    kept = (*versions, record)
    surplus = len(kept) - KEPT_RECORDS
    for old in [known for known in kept if known.pruned][: max(surplus, 0)]:
        kept = tuple(known for known in kept if known is not old)
    return kept[-MOST_RECORDS:]


def _best(best: Best | None, live: Live | None, metric: str) -> Best | None:
    """The best promoted version so far, by the policy's first metric; the first one of equals."""
    if live is None or metric not in live.metrics or (best and metric in best.metrics and live.metrics[metric] <= best.metrics[metric]):
        return best
    return Best(live.version, live.metrics)
