"""How often each holdout was judged on: counted once for each judged request, in the write by which it gives its place back."""

from typing import Final

from modelsafeguard.core.model import ActiveRequest, HoldoutUse, ModelStatus
from modelsafeguard.core.request import Request

# The holdout that has gone unused for the longest time leaves first.
MOST_HOLDOUTS: Final = 10


def decisions_on(status: ModelStatus, digest: str) -> int | None:
    """How many decisions there are on a holdout with that of the active request; None where it is not known which one it is."""
    if not digest:
        return None
    reference = status.active_request
    return _counted(status, digest) + (0 if reference and reference.judged else 1)


def judged_on(request: Request) -> str:
    """The holdout that a request was judged on; '' if it was not, or it is not known on which."""
    return request.status.report.holdout_digest if request.status.report and request.status.findings else ""


def after_decision(status: ModelStatus, reference: ActiveRequest, digest: str) -> tuple[HoldoutUse, ...]:
    """The holdouts once the decision on this request is counted: the same, if it has been already, or had none, or on no known holdout."""
    if reference.judged or not digest:
        return status.holdouts
    others = [use for use in status.holdouts if use.digest != digest]
    return (*others, HoldoutUse(digest, _counted(status, digest) + 1))[-MOST_HOLDOUTS:]


def _counted(status: ModelStatus, digest: str) -> int:
    return sum(use.decisions for use in status.holdouts if use.digest == digest)
