"""Waiting for a person: an accepted candidate that is not rolled out by itself, and how it ends.

It leaves its place in the queue meanwhile. What may end it takes the place again, so that it ends by the same path as any other.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from modelsafeguard.core.annotations import APPROVAL_REASON, APPROVED_BY, LONGEST_REASON, REQUESTED_BY, signature
from modelsafeguard.core.lifecycle.holdouts import after_decision, judged_on
from modelsafeguard.core.lifecycle.outcomes import finish
from modelsafeguard.core.lifecycle.readiness import Problem
from modelsafeguard.core.lifecycle.records import of_deleted, recorded
from modelsafeguard.core.lifecycle.step import Emit, Step, WriteModel, WriteRequest, step
from modelsafeguard.core.lifecycle.world import Observed, cancelled
from modelsafeguard.core.model import ActiveRequest, Model, WaitingVersion
from modelsafeguard.core.policy import Policy, Promotion
from modelsafeguard.core.request import Request, RequestStatus, Stage
from modelsafeguard.core.text import duration, one_line
from modelsafeguard.core.verdict import Ending, Outcome, Verdict, worst

# One every six hours for a week. Should they all end at once (a newer version became live), status.versions has room for them beside
# the longest history and what is about to be pruned: no folder is forgotten.
MOST_WAITING = 30
UNCHECKED = (
    "its approval does not count: the API server did not check who gave it, or the operator may not see whether it does;"
    " install manifests/admission and create a new request"
)
OWN = (
    "its approval does not count: spec.policy.approvals.forbidOwn asks for somebody else than who requested it, and that this is checked;"
    " create a new request, and have another person approve it"
)


def approver(request: Request) -> str:
    """Who has approved a request, by its annotation; '' for nobody."""
    return signature(request.meta, APPROVED_BY)


def needs_approval(model: Model, policy: Policy) -> bool:
    """Whether a person decides: by policy, or because the owner has pinned a version."""
    return policy.promotion is Promotion.MANUAL or model.spec.pin is not None


def awaiting(model: Model, request: Request, status: RequestStatus, now: datetime, why: str = "accepted") -> RequestStatus:
    """The status of a candidate that waits for a person: it was accepted, or ``why`` the gates leave it to one.

    An approval that is there already was not checked by the API server, which lets only what waits be approved: it never counts. One
    that has counted goes on to, when the candidate has to wait once more (for a pin).
    """
    assert status.frozen is not None
    pinned = f", and for spec.pin (version {model.spec.pin.version}) to be removed" if model.spec.pin else ""
    return replace(
        status,
        stage=Stage.AWAITING_APPROVAL,
        waiting=f"{why}; waits for a person to approve it (annotation {APPROVED_BY}){pinned}",
        deadline=now + timedelta(seconds=status.frozen.policy.approval_deadline_seconds),
        unchecked_approval="" if status.approved_by else approver(request),
    )


def too_many_wait(model: Model) -> Problem | None:
    """Why nothing more may start: each candidate that waits takes its room in the record and on the volume."""
    if len(model.status.awaiting_approval) < MOST_WAITING:
        return None
    message = f"{MOST_WAITING} candidates wait for approval; approve one of them, or cancel some"
    return Problem("TooManyAwaitApproval", message, transient=True)


def make_way(observed: Observed) -> Step | None:
    """A request that waits for a person frees its place; the queue goes on. The record keeps its version, whatever becomes of it."""
    active, status, reference = observed.active, observed.present.status, observed.present.status.active_request
    if active is None or active.status.stage is not Stage.AWAITING_APPROVAL or _decided(observed, active, None):
        return None
    assert reference is not None
    waiting = WaitingVersion(active.status.version, active.meta.name, active.meta.uid)
    noted = replace(
        status,
        active_request=None,
        awaiting_approval=(*status.awaiting_approval, waiting),
        holdouts=after_decision(status, reference, judged_on(active)),
    )
    return step("it waits for a person: the queue goes on", WriteModel(noted))


def note_deleted(observed: Observed, now: datetime) -> Step | None:
    """A request was deleted while it waited: its version becomes one like any other, and is pruned in its time."""
    status, versions = observed.present.status, observed.present.status.versions
    there = {request.meta.uid for request in observed.requests}
    gone = [each for each in status.awaiting_approval if each.request_uid not in there]
    if not gone:
        return None
    for each in gone:
        versions = recorded(versions, of_deleted(ActiveRequest(each.request_name, each.request_uid), each.version, now))
    left = tuple(each for each in status.awaiting_approval if each not in gone)
    noted = replace(status, versions=versions, awaiting_approval=left)
    return step("deleted while it waited for a person: its version is to be pruned", WriteModel(noted))


def resume(observed: Observed, now: datetime) -> Step | None:
    """A waiting request that was approved, taken back, overtaken or forgotten takes the free place, to end."""
    status = observed.present.status
    if status.active_request or status.prune:
        return None
    for request in observed.requests:
        ours = request.status.model_uid == observed.present.meta.uid  # and not of a model of this name that is gone
        if ours and request.status.stage is Stage.AWAITING_APPROVAL and _decided(observed, request, now):
            reference = ActiveRequest(request.meta.name, request.meta.uid, judged=True)
            left = tuple(each for each in status.awaiting_approval if each.request_uid != request.meta.uid)
            resumed = replace(status, active_request=reference, awaiting_approval=left)
            return step(f"request {request.meta.name} need not wait any longer", WriteModel(resumed))
    return None


def say_unchecked(observed: Observed) -> Step | None:
    """Tell a waiting request that its approval does not count, and why. Nor will it count later."""
    for request in observed.requests:
        status, name = request.status, approver(request)
        void = name and not status.approved_by and not _countable(observed, request)
        if status.stage is Stage.AWAITING_APPROVAL and void and status.waiting not in (UNCHECKED, OWN):
            unchecked = not observed.approvals_checked or name == status.unchecked_approval
            told = replace(status, waiting=UNCHECKED if unchecked else OWN, unchecked_approval=name)
            return step("its approval does not count", WriteRequest(request, told))
    return None


def advance_approval(observed: Observed, request: Request, now: datetime) -> Step | None:
    """What a waiting request that has its place again becomes: a verdict, or a rollout."""
    decided = _decided(observed, request, now)
    if isinstance(decided, Ending):
        return step(decided.message, finish(request, decided, now))
    if not decided:
        return None
    deadline = now + timedelta(seconds=observed.present.spec.serving.progress_deadline_seconds)
    status = request.status if request.status.approved_by else _approved(request, decided)
    told = Emit(request, "CandidateApproved", f"{_words(status)}: {request.status.message}")
    approved = replace(status, stage=Stage.ROLLING_OUT, waiting="", deadline=deadline)
    return step("a person has approved it", told, WriteRequest(request, approved))


def _approved(request: Request, person: str) -> RequestStatus:
    """Who has approved, and why. The sentence says it where a reason was given, or where the gates alone would not have let it pass."""
    reason = one_line(request.meta.annotations.get(APPROVAL_REASON, ""))[:LONGEST_REASON].strip()
    status = replace(request.status, approved_by=person, approval_reason=reason)
    if not reason and worst(status.findings) is Outcome.PASSED:
        return status
    return replace(status, message=f"{status.message}; {_words(status)}")


def _words(status: RequestStatus) -> str:
    return f"approved by {status.approved_by}" + (f" ({status.approval_reason})" if status.approval_reason else "")


def _decided(observed: Observed, request: Request, now: datetime | None) -> Ending | str:
    """How the waiting ends: with an ending, with the name of the person who approved, or not yet ('').

    An approval counts only where the API server checks who gives it (``observed.approvals_checked``), and not while a version is
    pinned (the pin would undo what was approved) or the model is suspended (nothing new begins).
    """
    live, frozen = observed.present.status.live, request.status.frozen
    assert frozen is not None
    if cancelled(request):
        return Ending(Verdict.CANCELLED, "Cancelled", "cancelled while it waited for approval; nothing was patched")
    if (live.version if live else "") != (frozen.baseline.version if frozen.baseline else ""):
        return Ending(
            Verdict.SUPERSEDED, "Superseded", f"version {live.version if live else 'none'} became live while this one waited for approval"
        )
    if now and request.status.deadline and now >= request.status.deadline:
        allowed = duration(frozen.policy.approval_deadline_seconds)
        return Ending(Verdict.EXPIRED, "ApprovalExpired", f"nobody approved it within {allowed}")
    if observed.present.spec.pin or observed.present.spec.suspend:
        return ""
    return request.status.approved_by or (approver(request) if _countable(observed, request) else "")


def _countable(observed: Observed, request: Request) -> bool:
    return observed.approvals_checked and approver(request) != request.status.unchecked_approval and not _own(observed, request)


def _own(observed: Observed, request: Request) -> bool:
    """Whether it is forbidden that this person approves: who asked for it does, or it is not certain who that was."""
    if request.status.frozen is None or not request.status.frozen.policy.approvals.forbid_own:
        return False
    requester = signature(request.meta, REQUESTED_BY)
    return not observed.requesters_checked or requester in ("", approver(request))
