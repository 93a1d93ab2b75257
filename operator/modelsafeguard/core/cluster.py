"""Other people's objects as values: just what decisions need of a Job, a Pod, a Deployment, a claim."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from modelsafeguard.core.model import ServingState


class JobState(StrEnum):
    """How a Job stands, by its conditions."""

    ACTIVE = "Active"
    COMPLETE = "Complete"
    FAILED = "Failed"


@dataclass(frozen=True)
class Job:
    """A batch/v1 Job. ``reason`` and ``message`` are those of the condition that ended it. ``owner_uid`` is its controller."""

    name: str
    uid: str
    owner_uid: str
    state: JobState
    reason: str = ""
    message: str = ""
    deleting: bool = False


@dataclass(frozen=True)
class ContainerEnd:
    """How a container of a Job's pod ended, with its termination message (untrusted text)."""

    name: str
    exit_code: int
    reason: str
    message: str


@dataclass(frozen=True)
class Pod:
    """A pod, of a Job or of the serving Deployment.

    ``trouble`` is the pod's own reason for not running ("ImagePullBackOff: ...", "Unschedulable: ..."), empty when it runs.
    ``version`` is its ``modelsafeguard.io/version`` annotation.
    """

    name: str
    uid: str
    ready: bool
    ready_since: datetime | None
    restarts: int
    deleting: bool = False
    version: str | None = None
    trouble: str = ""
    started: bool = False
    ends: tuple[ContainerEnd, ...] = ()


@dataclass(frozen=True)
class Deployment:
    """The serving Deployment. ``problem`` says why it cannot be rolled out to at all (no such container, volume not ours).

    ``mount_path`` is where the serving container mounts the model's volume: the merge key of that mount.
    ``other_managers`` names the field managers, other than ours, whose manifests set the fields that a rollout sets.
    ``selector`` selects its pods. ``stalled_at`` is the time of a ``ProgressDeadlineExceeded`` condition.
    """

    name: str
    uid: str
    resource_version: str
    generation: int
    observed_generation: int
    paused: bool
    replicas: int
    current_replicas: int
    updated_replicas: int
    available_replicas: int
    serving: ServingState
    mount_path: str = ""
    selector: str = ""
    problem: str = ""
    other_managers: tuple[str, ...] = ()
    stalled_at: datetime | None = None
    deleting: bool = False


@dataclass(frozen=True)
class Claim:
    """A PersistentVolumeClaim."""

    name: str
    phase: str
    access_modes: tuple[str, ...]
