"""The world of one model, read once: everything that a decision may rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelsafeguard.core.annotations import CANCEL
from modelsafeguard.core.cluster import Claim, Deployment, Job, Pod
from modelsafeguard.core.lifecycle.step import CreateRequestJob, Effect
from modelsafeguard.core.model import ActiveRequest, Model
from modelsafeguard.core.report import Baseline
from modelsafeguard.core.request import Request


@dataclass(frozen=True)
class PublicCopy:
    """The annotations on a ModelDeployment, read: ``baseline`` is None where there are none, ``problem`` says what is malformed.

    ``matches_live`` says that they are the very values of ``status.live``.
    """

    baseline: Baseline | None = None
    problem: str = ""
    matches_live: bool = False


@dataclass(frozen=True)
class Refusal:
    """What the API server answered to an effect that it does not take. ``for_good``: no repetition changes that."""

    effect: Effect
    said: str
    for_good: bool = False

    def of(self, effect: Effect) -> bool:
        """Whether it is this effect that was refused. A request that was written since is still the same one."""
        if isinstance(effect, CreateRequestJob) and isinstance(self.effect, CreateRequestJob):
            return (effect.role, effect.request.meta.uid) == (self.effect.role, self.effect.request.meta.uid)
        return effect == self.effect


@dataclass(frozen=True)
class Observed:
    """One model's world.

    ``requests`` are those without a verdict, oldest first, and those that the record speaks of in any case. ``jobs``, by name, are
    those that belong to the present stage; ``job_pods`` their pods, by Job name. ``job_trouble`` is why a Job could not even make a
    pod. ``rival`` names an older ModelDeployment on the same Deployment or folder. ``mounted`` are the versions that a ReplicaSet
    with pods mounts, None where that was not asked. ``approvals_checked`` and ``signatures_checked`` say that the API server
    lets only those approve, and sign for another baseline, who may; ``requesters_checked`` that it says who has made a request.
    ``refusals`` are of effects that were tried since this pass over the model began: a rule that meets one lets the next rule go on, or
    draws its conclusion. The next pass tries again.
    """

    namespace: str
    name: str
    model: Model | None
    requests: tuple[Request, ...] = ()
    public: PublicCopy = field(default_factory=PublicCopy)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    job_pods: Mapping[str, tuple[Pod, ...]] = field(default_factory=dict)
    job_trouble: Mapping[str, str] = field(default_factory=dict)
    deployment: Deployment | None = None
    serving_pods: tuple[Pod, ...] = ()
    claim: Claim | None = None
    rival: str = ""
    mounted: frozenset[str] | None = None
    approvals_checked: bool = False
    signatures_checked: bool = False
    requesters_checked: bool = False
    refusals: tuple[Refusal, ...] = ()

    def refusal(self, effect: Effect) -> Refusal | None:
        """What the API server has just said to this effect; None if it was not tried, or taken."""
        return next((refusal for refusal in self.refusals if refusal.of(effect)), None)

    @property
    def present(self) -> Model:
        """The model, where the caller knows that it is there."""
        assert self.model is not None
        return self.model

    @property
    def active(self) -> Request | None:
        """The request that the model works on; None when there is none, or when it was deleted."""
        reference = self.model.status.active_request if self.model else None
        return next((request for request in self.requests if reference and request.meta.uid == reference.uid), None)


def cancelled(request: Request | None) -> bool:
    """Whether the request was taken back: by annotation, or by deleting it."""
    return request is None or request.meta.deleting or CANCEL in request.meta.annotations


def version_of(request: ActiveRequest) -> str:
    """The candidate's version and the training Job's name: unique for a request, and known even after it was deleted."""
    return f"{request.name}-{request.uid[:8]}"


def reader_name(version: str) -> str:
    """The name of the Job that delivers a report whose termination message was lost."""
    return f"{version}-r"
