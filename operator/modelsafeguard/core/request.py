"""A RetrainRequest as a value: one training run, one verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from modelsafeguard.core.model import Condition, Meta
from modelsafeguard.core.policy import Policy, Rules
from modelsafeguard.core.report import Baseline, Report
from modelsafeguard.core.verdict import Finding, Verdict


class Trigger(StrEnum):
    """Who asked: recorded, never trusted."""

    API = "api"
    CRON = "cron"
    POLICY = "policy"
    MANUAL = "manual"


class Stage(StrEnum):
    """Where a request is."""

    QUEUED = "Queued"
    TRAINING = "Training"
    JUDGING = "Judging"
    AWAITING_APPROVAL = "AwaitingApproval"
    ROLLING_OUT = "RollingOut"
    FINISHED = "Finished"


@dataclass(frozen=True)
class RequestSpec:
    """``spec`` of a RetrainRequest; immutable."""

    model: str
    trigger: Trigger = Trigger.MANUAL
    parameters: Mapping[str, str] = field(default_factory=dict)
    policy: Rules | None = None
    ttl_seconds_after_finished: int | None = None


@dataclass(frozen=True)
class Frozen:
    """The rules and the baseline that this request is judged by, fixed when it starts: later edits affect the next request."""

    model_uid: str
    model_generation: int
    policy: Policy
    baseline: Baseline | None = None


@dataclass(frozen=True)
class JobRef:
    """A Job that is trusted: by its uid, not by its name."""

    name: str
    uid: str


@dataclass(frozen=True)
class RequestStatus:
    """``status`` of a RetrainRequest.

    ``model_uid`` is the ModelDeployment that was there when the request was first seen. ``deadline`` ends the present stage.
    ``decisions`` were taken on its holdout, this one included. ``deltas`` are candidate minus live as a person reads them ("+0.0500"); the
    exact numbers are in ``findings``.
    ``waiting`` is the last reason seen for not going on (a pod that cannot be pulled, a paused Deployment). ``approved_by`` is the
    person whose approval has counted, ``approval_reason`` why, in that person's words; ``unchecked_approval`` an annotated name that
    never will.
    """

    observed_generation: int = 0
    stage: Stage | None = None
    verdict: Verdict | None = None
    reason: str = ""
    message: str = ""
    model_uid: str = ""
    version: str = ""
    frozen: Frozen | None = None
    job: JobRef | None = None
    reader: JobRef | None = None
    report: Report | None = None
    findings: tuple[Finding, ...] = ()
    decisions: int | None = None
    deltas: Mapping[str, str] = field(default_factory=dict)
    waiting: str = ""
    approved_by: str = ""
    approval_reason: str = ""
    unchecked_approval: str = ""
    started_at: datetime | None = None
    deadline: datetime | None = None
    finished_at: datetime | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Request:
    """A RetrainRequest."""

    meta: Meta
    spec: RequestSpec
    status: RequestStatus
