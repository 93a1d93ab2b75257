"""A ModelDeployment as a value: what its owner wants, and the record that everything later rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from modelsafeguard.core.policy import Policy
from modelsafeguard.core.report import Evidence
from modelsafeguard.core.verdict import Verdict


class OnDrift(StrEnum):
    """What happens when somebody else changes the fields that a rollout sets."""

    REPORT = "Report"
    RESTORE = "Restore"


@dataclass(frozen=True)
class Meta:
    """The part of an object's metadata that decisions need."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    created: datetime
    deleting: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Serving:
    """The existing Deployment whose pods serve the model."""

    deployment_name: str
    container: str
    model_volume: str
    progress_deadline_seconds: int = 300
    bake_seconds: int = 60
    on_drift: OnDrift = OnDrift.REPORT


@dataclass(frozen=True)
class Storage:
    """The claim and the folder in it that hold the versions."""

    claim_name: str
    path: str


@dataclass(frozen=True)
class Data:
    """The data set, mounted read-only in train and measure."""

    claim_name: str
    path: str = ""
    holdout: str = ""


@dataclass(frozen=True)
class Parameter:
    """A value that a request may vary: ``pattern`` must match it as a whole (RE2 syntax, checked by full match)."""

    name: str
    pattern: str
    default: str = ""


@dataclass(frozen=True)
class Trainer:
    """The user's training container. The fields from ``env`` on are passed to the pod as they are."""

    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    image_pull_policy: str = ""
    parameters: tuple[Parameter, ...] = ()
    active_deadline_seconds: int = 3600
    labels: Mapping[str, str] = field(default_factory=dict)
    env: tuple[Mapping[str, Any], ...] = ()
    env_from: tuple[Mapping[str, Any], ...] = ()
    volumes: tuple[Mapping[str, Any], ...] = ()
    volume_mounts: tuple[Mapping[str, Any], ...] = ()
    resources: Mapping[str, Any] = field(default_factory=dict)
    service_account_name: str = ""
    image_pull_secrets: tuple[Mapping[str, Any], ...] = ()
    security_context: Mapping[str, Any] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    affinity: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pin:
    """The owner's order to serve this version; while it stands nothing is promoted automatically."""

    version: str
    reason: str = ""


@dataclass(frozen=True)
class History:
    """How many versions stay on the volume."""

    promoted: int = 10
    rejected: int = 3


@dataclass(frozen=True)
class ModelSpec:
    """``spec`` of a ModelDeployment."""

    serving: Serving
    storage: Storage
    trainer: Trainer
    policy: Policy
    data: Data | None = None
    pin: Pin | None = None
    history: History = field(default_factory=History)
    suspend: bool = False


@dataclass(frozen=True)
class ServingState:
    """The values of the fields that a rollout owns. None means the field is not there.

    ``annotation`` is the pod template's ``modelsafeguard.io/version``. The three are compared together.
    """

    sub_path: str | None = None
    version: str | None = None
    digest: str | None = None
    annotation: str | None = None


@dataclass(frozen=True)
class Live:
    """The version that serves now, and its numbers: the baseline.

    ``published`` says that the public copy, the annotations, has been written. ``adopted`` marks a model that was live before
    the operator came: it has no folder of ours. ``request_uid`` is the request that brought it. ``below_best`` is how far it is below
    the best model since the first one or the last re-base, by metric; ``evidence`` is what it was promoted by.
    """

    version: str
    metrics: Mapping[str, Decimal]
    since: datetime
    serving: ServingState
    holdout_digest: str = ""
    manifest_digest: str = ""
    model_digest: str = ""
    training_date: str = ""
    request_uid: str = ""
    adopted: bool = False
    published: bool = False
    below_best: Mapping[str, Decimal] = field(default_factory=dict)
    evidence: Evidence = Evidence.NONE


@dataclass(frozen=True)
class ActiveRequest:
    """The one request that this model works on. ``judged``: it has its place for the second time, after it waited for a person."""

    name: str
    uid: str
    judged: bool = False


class RolloutPhase(StrEnum):
    """Where a rollout is."""

    APPLYING = "Applying"
    PROGRESSING = "Progressing"
    BAKING = "Baking"
    UNDOING = "Undoing"


@dataclass(frozen=True)
class PodMark:
    """What a new pod looked like when the bake began: any change of it undoes the rollout."""

    uid: str
    restarts: int
    ready_since: datetime


@dataclass(frozen=True)
class Rollout:
    """A rollout under way, with all that is needed to carry it to its end or to undo it.

    ``request_uid`` is whose it is: a request's uid, or for one that ``spec.pin`` orders ``pin-`` and the model's generation; that one
    has no ``request_name``. ``generation`` is the Deployment's as returned by our patch: a status older than it is not believed.
    ``verdict``, ``reason`` and ``message`` are set once the rollout is being undone: they say why. ``judged`` is for the version's record.
    """

    request_uid: str
    phase: RolloutPhase
    from_: ServingState
    to: ServingState
    candidate: Live
    started_at: datetime
    deadline: datetime
    message: str
    request_name: str = ""
    generation: int = 0
    patched_at: datetime | None = None
    bake_until: datetime | None = None
    pods: tuple[PodMark, ...] = ()
    verdict: Verdict | None = None
    reason: str = ""
    judged: str = ""

    @property
    def pinned(self) -> bool:
        """Whether ``spec.pin`` ordered it, and no request."""
        return not self.request_name


@dataclass(frozen=True)
class LastRollout:
    """How the last rollout ended, or why it was not begun: what its request's verdict is taken from, or that of a pin."""

    request_uid: str
    verdict: Verdict
    reason: str
    message: str
    finished_at: datetime


@dataclass(frozen=True)
class VersionRecord:
    """One candidate that reached the volume, kept after its request is gone. ``pruned`` once its folder has left the volume.

    ``below_best`` and ``evidence`` are those that it became live with. ``judged`` is what it was judged on (``core.replay``).
    """

    version: str
    request_name: str
    request_uid: str
    verdict: Verdict
    reason: str
    message: str
    finished_at: datetime
    metrics: Mapping[str, Decimal] = field(default_factory=dict)
    manifest_digest: str = ""
    model_digest: str = ""
    holdout_digest: str = ""
    training_date: str = ""
    pruned: bool = False
    below_best: Mapping[str, Decimal] = field(default_factory=dict)
    evidence: Evidence = Evidence.NONE
    judged: str = ""


@dataclass(frozen=True)
class WaitingVersion:
    """An accepted candidate whose request waits for a person: its folder is on the volume, and has no verdict to be kept or pruned by."""

    version: str
    request_name: str
    request_uid: str


@dataclass(frozen=True)
class Best:
    """The best version so far by the policy's first metric."""

    version: str
    metrics: Mapping[str, Decimal]


@dataclass(frozen=True)
class HoldoutUse:
    """How many candidates were judged on one holdout: each decision tells something of it."""

    digest: str
    decisions: int


@dataclass(frozen=True)
class Prune:
    """The exact list of version folders that the prune Job removes: written before the Job is made."""

    job_name: str
    versions: tuple[str, ...]
    started_at: datetime


@dataclass(frozen=True)
class Verification:
    """A pinned version whose files are being checked by a Job, written before the Job is made. ``job_uid`` is the Job that is trusted."""

    job_name: str
    version: str
    manifest_digest: str
    started_at: datetime
    job_uid: str = ""


@dataclass(frozen=True)
class Condition:
    """A Kubernetes condition (API conventions, "Typical status properties"). ``status`` is True, False or Unknown."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: datetime
    observed_generation: int = 0


@dataclass(frozen=True)
class ModelStatus:
    """``status`` of a ModelDeployment: the record.

    ``found`` is what the Deployment looked like before the first rollout. ``awaiting_approval`` are the versions whose requests have
    left their place to others: one is here, or its request is the active one, or it is in ``versions``. ``rebased_by`` is the last
    signature for another baseline that was taken notice of: each counts once. ``holdouts`` are those that were judged on, the one used
    last at the end. ``publish_refused`` is what the API server says while it does not take the annotations.
    """

    observed_generation: int = 0
    found: ServingState | None = None
    live: Live | None = None
    active_request: ActiveRequest | None = None
    rollout: Rollout | None = None
    last_rollout: LastRollout | None = None
    best: Best | None = None
    versions: tuple[VersionRecord, ...] = ()
    awaiting_approval: tuple[WaitingVersion, ...] = ()
    holdouts: tuple[HoldoutUse, ...] = ()
    prune: Prune | None = None
    verification: Verification | None = None
    rebased_by: str = ""
    publish_refused: str = ""
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Model:
    """A ModelDeployment."""

    meta: Meta
    spec: ModelSpec
    status: ModelStatus
