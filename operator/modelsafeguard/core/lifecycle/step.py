"""Effects as values: what is to be done, said by a decision and performed elsewhere."""

from dataclasses import dataclass, field
from enum import StrEnum

from modelsafeguard.core.model import Live, ModelStatus, Prune, ServingState, Verification
from modelsafeguard.core.request import Request, RequestStatus


class JobRole(StrEnum):
    """What a Job of ours is for: the value of its label ``modelsafeguard.io/role``."""

    TRAIN = "train"
    READER = "reader"
    PRUNE = "prune"
    VERIFY = "verify"


@dataclass(frozen=True)
class WriteModel:
    """Replace the model's status, if the model is still the one that was observed."""

    status: ModelStatus


@dataclass(frozen=True)
class WriteRequest:
    """Replace a request's status, if the request is still the one that was observed."""

    request: Request
    status: RequestStatus


@dataclass(frozen=True)
class CreateRequestJob:
    """Create the training Job or the reader Job of a request. That it exists already is success: it is looked at next.

    A Job is created by its name, and that is free again once another operator has deleted it. So the record that orders a Job, of
    whatever kind, is written right before, even unchanged: a compare-and-swap, which fails if anything became of the order meanwhile.
    """

    role: JobRole
    request: Request


@dataclass(frozen=True)
class CreatePruneJob:
    """Create the Job that removes the listed versions from the volume."""

    prune: Prune


@dataclass(frozen=True)
class CreateVerifyJob:
    """Create the Job that compares a pinned version's files with their manifest."""

    verification: Verification


@dataclass(frozen=True)
class DeleteJob:
    """Delete a Job and its pods, if it is the one with this uid."""

    name: str
    uid: str


@dataclass(frozen=True)
class ExpireJob:
    """Let Kubernetes remove a finished Job, and its pods' logs, after a day."""

    name: str
    uid: str


@dataclass(frozen=True)
class ApplyServing:
    """Set our fields of the serving Deployment, if it is still the one that was observed.

    The record may be older than what was seen of the Deployment: another operator may have patched it and undone that meanwhile. So
    the model's status is written first, even unchanged: a compare-and-swap of the record, after the Deployment was read.
    """

    target: ServingState


@dataclass(frozen=True)
class PublishLive:
    """Write the public copy of the live model's numbers, the annotations on the ModelDeployment, if it is still the one observed."""

    live: Live


@dataclass(frozen=True)
class Emit:
    """Say a fact: once in a Kubernetes Event, whose name follows from the fact, and at least once in these lines of the log.

    ``about`` is a request, or None for the model.
    """

    about: Request | None
    reason: str
    message: str
    warning: bool = False
    key: str = ""
    log: tuple[str, ...] = ()


Effect = (
    WriteModel
    | WriteRequest
    | CreateRequestJob
    | CreatePruneJob
    | CreateVerifyJob
    | DeleteJob
    | ExpireJob
    | ApplyServing
    | PublishLive
    | Emit
)


@dataclass(frozen=True)
class Step:
    """The effects to perform now, in order; with none, the seconds after which to look again even if no event comes."""

    effects: tuple[Effect, ...] = ()
    wake_after: float | None = None
    why: str = field(default="", compare=False)


def step(why: str, *effects: Effect) -> Step:
    """A step with the sentence that ``--log-level debug`` explains it by."""
    return Step(effects=effects, why=why)
