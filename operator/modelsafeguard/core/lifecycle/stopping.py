"""The Jobs of a request that was taken back: they go first, then its end is said, so that whoever reads it may rely on it."""

from datetime import datetime

from modelsafeguard.core.cluster import Job, JobState
from modelsafeguard.core.lifecycle.step import DeleteJob, Effect, ExpireJob, Step, step
from modelsafeguard.core.lifecycle.world import Observed, reader_name
from modelsafeguard.core.request import Request


def jobs_of(observed: Observed, version: str, owner_uid: str) -> list[Job]:
    """The Jobs that a request has now: the training Job and the reader, never one of somebody else."""
    found = (observed.jobs.get(name) for name in (version, reader_name(version)))
    return [job for job in found if job and job.owner_uid == owner_uid and not job.deleting]


def delete_jobs(observed: Observed, request: Request) -> Step | None:
    """Have a request's Jobs deleted; None once they are, but for those that the API server keeps."""
    orders = [DeleteJob(job.name, job.uid) for job in _jobs(observed, request)]
    asked = [order for order in orders if not observed.refusal(order)]
    return step("taken back: its Jobs go first", *asked) if asked else None


def kept_at_work(observed: Observed, request: Request, now: datetime) -> bool:
    """Whether a Job that may not be deleted is still at work: its own deadline, which is the request's, ends it."""
    over = request.status.deadline is None or now >= request.status.deadline
    return not over and any(job.state is JobState.ACTIVE for job in _jobs(observed, request))


def kept(observed: Observed, request: Request) -> str:
    """What to say of the Jobs that the API server keeps; "" if all are gone."""
    for job in _jobs(observed, request):
        if refusal := observed.refusal(DeleteJob(job.name, job.uid)):
            return f"Job {job.name} could not be removed: {refusal.said}"
    return ""


def tidied(observed: Observed, version: str, owner_uid: str) -> list[Effect]:
    """What is done with the Jobs of a request that is over. What the API server refuses is left: by then nothing depends on it."""
    jobs = jobs_of(observed, version, owner_uid)
    wanted = [DeleteJob(job.name, job.uid) if job.state is JobState.ACTIVE else ExpireJob(job.name, job.uid) for job in jobs]
    return [effect for effect in wanted if not observed.refusal(effect)]


def superfluous(job: Job, request: Request) -> bool:
    """Whether a Job is at work for a request that has its verdict: nobody believes it any more.

    Another operator made it anew, having been held up right before the call, or nobody was allowed to delete it. Asked by
    ``engine.resync``, not by ``advance``.
    """
    return request.status.verdict is not None and job.owner_uid == request.meta.uid and job.state is JobState.ACTIVE and not job.deleting


def _jobs(observed: Observed, request: Request) -> list[Job]:
    return jobs_of(observed, request.status.version, request.meta.uid)
