"""Old versions leave the volume: an exact list, written down before the Job is made, and only while nothing else is going on."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from modelsafeguard.core.cluster import JobState
from modelsafeguard.core.lifecycle.step import CreatePruneJob, DeleteJob, Emit, Step, WriteModel, step
from modelsafeguard.core.lifecycle.world import Observed
from modelsafeguard.core.model import Model, Prune, VersionRecord
from modelsafeguard.core.verdict import Verdict

PRUNE_SECONDS = 600
BATCH = 20


def surplus(model: Model) -> tuple[str, ...]:
    """The versions beyond the history that the owner keeps, oldest first; never the live one or the one to go back to."""
    history = model.spec.history
    on_volume = [record for record in model.status.versions if not record.pruned]
    promoted = [record for record in on_volume if record.verdict is Verdict.PROMOTED]
    others = [record for record in on_volume if record.verdict is not Verdict.PROMOTED]
    old = [*_beyond(promoted, max(history.promoted, 2)), *_beyond(others, history.rejected)]
    protected = _protected(model)
    return tuple(record.version for record in old if record.version not in protected)[:BATCH]


def _beyond(records: list[VersionRecord], kept: int) -> list[VersionRecord]:
    return records[: max(len(records) - kept, 0)]


def _protected(model: Model) -> set[str]:
    status = model.status
    promoted = [record.version for record in status.versions if record.verdict is Verdict.PROMOTED]
    return {
        *promoted[-2:],
        *([status.live.version] if status.live else []),
        *([model.spec.pin.version] if model.spec.pin else []),
    }


def overdue(model: Model) -> bool:
    """Whether pruning goes before the next request: a queue that is never empty must not keep old versions for ever."""
    return len(surplus(model)) == BATCH


def advance_prune(observed: Observed, now: datetime) -> Step | None:
    """Begin, follow and end the removal of surplus versions."""
    status = observed.present.status
    if status.prune:
        return _follow(observed, status.prune, now)
    if status.active_request or status.rollout or status.verification or observed.mounted is None or observed.present.spec.suspend:
        return None
    versions = tuple(version for version in surplus(observed.present) if version not in observed.mounted)
    if not versions:
        return None
    prune = Prune(job_name=prune_job_name(observed.name, versions), versions=versions, started_at=now)
    return step(f"{len(versions)} old versions leave the volume", WriteModel(replace(status, prune=prune)))


def prune_job_name(model: str, versions: tuple[str, ...]) -> str:
    """Deterministic, so that the Job for one list is made once."""
    return f"{model}-prune-{hashlib.sha256(','.join(versions).encode()).hexdigest()[:8]}"


def _follow(observed: Observed, prune: Prune, now: datetime) -> Step | None:
    status = observed.present.status
    job = observed.jobs.get(prune.job_name)
    ours = job is not None and job.owner_uid == observed.present.meta.uid
    late = now >= prune.started_at + timedelta(seconds=PRUNE_SECONDS)
    if job is None and not late:
        create = CreatePruneJob(prune)
        return None if observed.refusal(create) else step("the prune Job is not there yet", WriteModel(status), create)
    if job is not None and ours and job.state is JobState.COMPLETE:
        done = replace(status, prune=None, versions=_pruned(status.versions, prune))
        removed = Emit(None, "VersionsPruned", f"removed from the volume: {', '.join(prune.versions)}"[:1000], key=prune.job_name)
        return step("the old versions are gone", removed, WriteModel(done), DeleteJob(job.name, job.uid))
    if job is not None and job.state is JobState.ACTIVE and not late:
        return None
    # The versions count as gone in the record, so that one that cannot be removed does not keep the queue waiting for ever.
    message = f"Job {prune.job_name} could not remove {', '.join(prune.versions)}; remove them from the volume by hand"[:1000]
    failed = Emit(None, "PruneFailed", message, warning=True, key=prune.job_name)
    given_up = WriteModel(replace(status, prune=None, versions=_pruned(status.versions, prune)))
    return step("the old versions could not be removed", failed, given_up, *([DeleteJob(job.name, job.uid)] if job and ours else []))


def _pruned(versions: tuple[VersionRecord, ...], prune: Prune) -> tuple[VersionRecord, ...]:
    return tuple(replace(record, pruned=True) if record.version in prune.versions else record for record in versions)
