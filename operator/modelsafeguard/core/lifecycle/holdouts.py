"""How often each holdout was judged on: counted once for each judged request, in the write by which it gives its place back."""

from typing import Final

from modelsafeguard.core.holdouts import decisions_before, decisions_with
from modelsafeguard.core.model import ActiveRequest, HoldoutUse, ModelStatus
from modelsafeguard.core.request import Request

# The holdout that has gone unused for the longest time leaves first.
MOST_HOLDOUTS: Final = 10


def decisions_on(status: ModelStatus, digest: str) -> int | None:
    """How many decisions there are on a holdout with that of the active request; None where it is not known which one it is."""
    reference = status.active_request
    return (
        decisions_before(status.holdouts, digest) if reference and reference.judged and digest else decisions_with(status.holdouts, digest)
    )


def judged_on(request: Request) -> str:
    """The holdout that a request was judged on; '' if it was not, or it is not known on which."""
    return request.status.report.holdout_digest if request.status.report and request.status.findings else ""


def after_decision(status: ModelStatus, reference: ActiveRequest, digest: str) -> tuple[HoldoutUse, ...]:
    """The holdouts once the decision on this request is counted: the same, if it has been already, or had none, or on no known holdout."""
    if reference.judged or not digest:
        return status.holdouts
    others = [use for use in status.holdouts if use.digest != digest]
    return (*others, HoldoutUse(digest, decisions_before(status.holdouts, digest) + 1))[-MOST_HOLDOUTS:]
