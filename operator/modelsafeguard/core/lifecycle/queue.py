"""The queue of one model: which request is next, what the others wait for, and how the active one lets go."""

from dataclasses import replace
from datetime import datetime, timedelta

from modelsafeguard.core.lifecycle.approval import too_many_wait
from modelsafeguard.core.lifecycle.holdouts import after_decision, judged_on
from modelsafeguard.core.lifecycle.outcomes import announce, announce_of_deleted, finish
from modelsafeguard.core.lifecycle.pruning import overdue
from modelsafeguard.core.lifecycle.readiness import Problem, model_problem
from modelsafeguard.core.lifecycle.records import of_deleted, of_request, recorded
from modelsafeguard.core.lifecycle.step import Step, WriteModel, WriteRequest, step
from modelsafeguard.core.lifecycle.stopping import delete_jobs, kept, kept_at_work, tidied
from modelsafeguard.core.lifecycle.world import Observed, cancelled, version_of
from modelsafeguard.core.model import ActiveRequest
from modelsafeguard.core.request import Request, Stage
from modelsafeguard.core.verdict import Ending, Verdict

# A request that cannot start because something is wrong with its model fails after this time, so that nothing waits for ever.
BLOCKED_SECONDS = 3600


def waiting(observed: Observed) -> list[Request]:
    """The requests that have not started, oldest first."""
    queued = [request for request in observed.requests if request.status.verdict is None and request.status.stage in (None, Stage.QUEUED)]
    return sorted(queued, key=lambda request: (request.meta.created, request.meta.uid))


def release(observed: Observed, now: datetime) -> Step | None:
    """The active request has its verdict, or is gone: say it, tidy its Job, write the record, free the place. In that order."""
    status = observed.present.status
    reference, request = status.active_request, observed.active
    if reference is None or status.rollout:
        return None
    version = version_of(reference)
    if request is None:
        record = of_deleted(reference, version, now)
        rolled_out = next((each.holdout_digest for each in status.versions if each.version == version), "")
        holdouts = after_decision(status, reference, rolled_out)
        freed = replace(status, active_request=None, versions=recorded(status.versions, record), holdouts=holdouts)
        last = status.last_rollout if status.last_rollout and status.last_rollout.request_uid == reference.uid else None
        told = [announce_of_deleted(observed.present, reference, last)] if last else []
        return step(
            "the active request was deleted: its place is free", *told, *tidied(observed, version, reference.uid), WriteModel(freed)
        )
    if request.status.verdict is None:
        return None
    versions = recorded(status.versions, of_request(request)) if request.status.version else status.versions
    holdouts = after_decision(status, reference, judged_on(request))
    return step(
        f"the active request has its verdict {request.status.verdict}",
        announce(request, request.status.verdict, request.status.message),
        *tidied(observed, version, reference.uid),
        WriteModel(replace(status, active_request=None, versions=versions, holdouts=holdouts)),
    )


def activate_oldest(observed: Observed, now: datetime) -> Step | None:
    """Give the free place to the oldest request, if the model may start one."""
    model = observed.present
    if ended := _ended_outside(observed, now):
        return ended
    queue = waiting(observed)
    if model.status.active_request or model.status.prune or not queue or hold(observed):
        return None
    if overdue(model) and observed.mounted is None:
        return None  # whether anything can be pruned is not known before the world is read again, which is next
    oldest = queue[0]
    reference = ActiveRequest(oldest.meta.name, oldest.meta.uid)
    return step(f"request {oldest.meta.name} is the oldest", WriteModel(replace(model.status, active_request=reference)))


def hold(observed: Observed) -> Problem | None:
    """Why no request may start now, other than another one being active."""
    if observed.present.spec.suspend:
        return Problem("Suspended", f"ModelDeployment {observed.name} is suspended (spec.suspend)", transient=True)
    return model_problem(observed) or too_many_wait(observed.present)


def _ended_outside(observed: Observed, now: datetime) -> Step | None:
    """The first ending of a request that is not the active one."""
    model = observed.present
    for request in observed.requests:
        status = request.status
        if _decided(request):
            if told := tell(observed, request, now):
                return told
        elif status.verdict is None and status.model_uid not in ("", model.meta.uid):
            message = f"ModelDeployment {observed.name} was deleted and made anew; create a new request"
            return decide(request, "ModelDeleted", message)
    for request in waiting(observed):
        status = request.status
        if cancelled(request):
            return decide(request, "Cancelled", "cancelled while it was queued")
        if status.deadline and now >= status.deadline and status.waiting:
            return decide(request, "Blocked", f"not started within {BLOCKED_SECONDS} s: {status.waiting}")
    return None


# How a request ends that is not the active one, by the reason that was decided.
_ENDINGS = {
    "Cancelled": Verdict.CANCELLED,
    "ModelDeleted": Verdict.CANCELLED,
    "Blocked": Verdict.FAILED,
    "ModelNotFound": Verdict.FAILED,
}


def decide(request: Request, reason: str, message: str) -> Step:
    """Write down how a request ends that is not the active one. It is told, and becomes the verdict, in the next step.

    A request with a verdict is not looked at again, so the Event must come first; and what was told must not be decided anew after
    a crash, when the request may have been cancelled or its deadline have passed. Nor does a second operator make its Job once this is
    written.
    """
    ended = replace(request.status, stage=Stage.FINISHED, reason=reason, message=message, waiting="")
    return step(f"it ends without being active: {reason}", WriteRequest(request, ended))


def _decided(request: Request) -> bool:
    return request.status.verdict is None and request.status.stage is Stage.FINISHED


def tell(observed: Observed, request: Request, now: datetime) -> Step | None:
    """Tell the ending that was decided, and make it the verdict; None while a Job that may not be deleted is at work."""
    if stopped := delete_jobs(observed, request):
        return stopped
    if kept_at_work(observed, request, now):
        return None
    status = request.status
    message = "; ".join(filter(None, (status.message, kept(observed, request))))[:2000]
    ending = Ending(_ENDINGS[status.reason], status.reason, message)
    return step("its ending is told", announce(request, ending.verdict, ending.message), finish(request, ending, now))


def show_waiting(observed: Observed, now: datetime) -> Step | None:
    """Tell every queued request, once, that it was seen and what it waits for."""
    problem = hold(observed)
    blocked = problem is not None and problem.reason != "Suspended"
    text = problem.message if problem else ""
    for request in waiting(observed):
        status = request.status
        if status.stage is Stage.QUEUED and status.waiting == text:
            continue
        if observed.present.status.active_request and observed.present.status.active_request.uid == request.meta.uid:
            continue
        deadline = (status.deadline or now + timedelta(seconds=BLOCKED_SECONDS)) if blocked else None
        marked = replace(status, stage=Stage.QUEUED, model_uid=observed.present.meta.uid, waiting=text, deadline=deadline)
        return step("it is queued", WriteRequest(request, marked))
    return None


def orphaned(observed: Observed, now: datetime) -> Step:
    """The ModelDeployment is gone: requests it had seen are cancelled and their Jobs stopped; others wait for it to be made."""
    for request in observed.requests:
        if request.status.verdict:
            continue
        if decided := tell(observed, request, now) if _decided(request) else _orphan(observed, request, now):
            return decided
    return Step(why="the ModelDeployment does not exist")


def _orphan(observed: Observed, request: Request, now: datetime) -> Step | None:
    if request.status.model_uid:
        message = f"ModelDeployment {observed.name} was deleted; its versions and its Deployment were left as they are"
        return decide(request, "ModelDeleted", message)
    if cancelled(request):
        return decide(request, "Cancelled", "cancelled while it was queued")
    return _without_model(observed, request, now)


def _without_model(observed: Observed, request: Request, now: datetime) -> Step | None:
    status = request.status
    text = f"ModelDeployment {observed.name} does not exist in namespace {observed.namespace}; create it"
    if status.stage is not Stage.QUEUED:
        deadline = now + timedelta(seconds=BLOCKED_SECONDS)
        return step("its model does not exist", WriteRequest(request, replace(status, stage=Stage.QUEUED, waiting=text, deadline=deadline)))
    if status.deadline and now >= status.deadline:
        return decide(request, "ModelNotFound", text)
    return None
