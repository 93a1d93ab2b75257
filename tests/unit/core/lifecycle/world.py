"""One model's world in memory: what the API server, the Job controller, the kubelet and people would do to it.

Values only. The operator's reads and writes follow ``kube.observe`` and ``kube.act``: a status write is a compare-and-swap, a Job is
made once by its name, a serving patch needs the Deployment's resourceVersion, an Event is told once by its name.
"""

import json
from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Self, TypeVar

from modelsafeguard.api import modeldeployment
from modelsafeguard.api.codec import _converter, encode
from modelsafeguard.core.annotations import APPROVAL_REASON, APPROVED_BY, CANCEL, REQUESTED_BY
from modelsafeguard.core.cluster import Claim, ContainerEnd, Deployment, Job, JobState, Pod
from modelsafeguard.core.handover import encode_failure, encode_report
from modelsafeguard.core.lifecycle import Observed, Refusal
from modelsafeguard.core.lifecycle.pruning import surplus
from modelsafeguard.core.lifecycle.step import (
    ApplyServing,
    CreatePruneJob,
    CreateRequestJob,
    CreateVerifyJob,
    DeleteJob,
    Effect,
    Emit,
    ExpireJob,
    JobRole,
    PublishLive,
    WriteModel,
    WriteRequest,
)
from modelsafeguard.core.lifecycle.stopping import superfluous
from modelsafeguard.core.lifecycle.world import reader_name, version_of
from modelsafeguard.core.model import Meta, Model, ModelSpec, ModelStatus, Pin, ServingState
from modelsafeguard.core.report import Report
from modelsafeguard.core.request import Request, RequestSpec, RequestStatus, Stage
from modelsafeguard.core.verdict import Verdict
from modelsafeguard.kube.observe import with_model, with_request
from tests.support.objects import report

START: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMESPACE: Final = "ml"
MODEL: Final = "intents"
FOUND: Final = ServingState(sub_path="by-hand/v0")

S = TypeVar("S", ModelStatus, RequestStatus)


class ConflictError(Exception):
    """The API server's 409: something newer is there."""


class GoneError(Exception):
    """The API server's 404."""


class RefusedError(Exception):
    """The API server's 403, or with ``refusal.for_good`` its 422."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.said)
        self.refusal = refusal


@dataclass
class History:
    """What happened, also what is gone by now. The keys of ``events`` are what an Event's name is made of.

    ``jobs_lost`` are Jobs that somebody else deleted before they were recorded. ``jobs_removed`` says when an operator deleted a Job.
    """

    events: dict[tuple[str, str, str], Emit] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    jobs_made: Counter[str] = field(default_factory=Counter)
    jobs_lost: set[str] = field(default_factory=set)
    jobs_removed: dict[str, int] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    intents: Counter[str] = field(default_factory=Counter)
    patches: list[ServingState] = field(default_factory=list)
    published: list[str] = field(default_factory=list)


def stored(status: S) -> S:
    """The status as it comes back from the API server: through JSON."""
    return _converter.structure(json.loads(json.dumps(encode(status))), type(status))


class World:
    """``happened`` is called after everything that somebody else does: a story lets its operator run then.

    ``through_json`` has every status that is written come back through its JSON, which takes most of a story's time.
    """

    def __init__(self, spec: ModelSpec, *, found: ServingState = FOUND, through_json: bool = True) -> None:
        self.now = START
        self._through_json = through_json
        self.history = History()
        self._serial = 0
        self._made = 0
        self.model: Model | None = Model(self._meta(MODEL), spec, ModelStatus())
        self.requests: dict[str, Request] = {}
        self.jobs: dict[str, Job] = {}
        self.job_pods: dict[str, tuple[Pod, ...]] = {}
        self.job_trouble: dict[str, str] = {}
        self._refused: dict[type, tuple[str, bool]] = {}
        self.rival = ""
        self.policies_in_force = True
        self.mounted: frozenset[str] = frozenset()
        self.claim: Claim | None = Claim(spec.storage.claim_name, "Bound", ("ReadWriteMany",))
        self.deployment: Deployment | None = None
        self.serving_pods: tuple[Pod, ...] = ()
        self._make_deployment(found)

    def copy(self) -> Self:
        """Another world that is the same up to now. What is in it are values, so only what holds them is copied."""
        other = copy(self)
        for name, value in vars(self).items():
            setattr(other, name, copy(value))
        other.history = History(**{each.name: copy(getattr(self.history, each.name)) for each in fields(History)})
        return other

    def happened(self) -> None:
        """Somebody else did something."""

    # What the operator sees -----------------------------------------------------------------------------------------------------

    def record(self) -> tuple[Model | None, tuple[Request, ...]]:
        """The first reading: the model and its open requests."""
        open_requests = [request for request in self.requests.values() if request.status.verdict is None]
        return self.model, tuple(sorted(open_requests, key=lambda request: (request.meta.created, request.meta.uid)))

    def observe(self, record: tuple[Model | None, tuple[Request, ...]] | None = None) -> Observed:
        """The world as ``kube.observe`` would read it now: only what belongs to the present stage.

        The record may have been read a while ago. It must not be the other way round: who read the Deployment first and the record
        later would take the patch that the record speaks of for undone by somebody else.
        """
        model, requests = self._with_known(*(record or self.record()))
        observed = Observed(NAMESPACE, MODEL, None, requests)
        if model is None:
            return self._with_jobs(observed, [request.status.version for request in requests])
        observed = with_model(replace(observed, rival=self.rival, claim=self.claim, deployment=self.deployment), model)
        checked = self.policies_in_force
        observed = replace(observed, approvals_checked=checked, signatures_checked=checked, requesters_checked=checked)
        observed = self._with_stage(observed, model)
        status = model.status
        if self.deployment and status.rollout:
            return replace(observed, serving_pods=self.serving_pods)
        if self.deployment and status.active_request is None and status.prune is None and surplus(model):
            return replace(observed, mounted=self.mounted)
        return observed

    def _with_known(self, model: Model | None, requests: tuple[Request, ...]) -> tuple[Model | None, tuple[Request, ...]]:
        if model is None:
            return None, requests
        known = {each.request_uid for each in model.status.awaiting_approval}
        if model.status.active_request:
            known.add(model.status.active_request.uid)
        unlisted = known - {request.meta.uid for request in requests}
        return model, (*(request for request in self.requests.values() if request.meta.uid in unlisted), *requests)

    def _with_stage(self, observed: Observed, model: Model) -> Observed:
        reference, verification = model.status.active_request, model.status.verification
        if model.status.prune:
            return self._with_jobs(observed, [model.status.prune.job_name])
        others = [verification.job_name] if verification else []
        if reference is None:
            return self._with_jobs(observed, others)
        version, active = version_of(reference), observed.active
        if active and active.status.stage in (None, Stage.QUEUED, Stage.ROLLING_OUT, Stage.JUDGING, Stage.AWAITING_APPROVAL):
            return self._with_jobs(observed, others)
        return self._with_jobs(observed, [version, reader_name(version), *others])

    def _with_jobs(self, observed: Observed, names: Sequence[str]) -> Observed:
        jobs = {name: self.jobs[name] for name in names if name in self.jobs}
        pods = {name: self.job_pods.get(name, ()) for name in jobs}
        trouble = {name: self.job_trouble[name] for name in jobs if name in self.job_trouble and not pods[name]}
        return replace(observed, jobs=jobs, job_pods=pods, job_trouble=trouble)

    # What the operator does -----------------------------------------------------------------------------------------------------

    def perform(self, observed: Observed, effect: Effect) -> Observed | None:  # noqa: C901 - one row an effect, as kube.act has them
        """One effect; returns the world as far as the reply tells it, None when it must be read again."""
        if type(effect) in self._refused:
            said, for_good = self._refused[type(effect)]
            raise RefusedError(Refusal(effect, said, for_good))
        match effect:
            case WriteModel(status=status):
                return with_model(observed, self._write_model(observed.present.meta, status))
            case WriteRequest(request=request, status=request_status):
                written = self._write_request(request.meta, request_status)
                return None if request_status.verdict else with_request(observed, written)
            case Emit():
                self._emit(effect)
                return observed
            case ExpireJob():
                return observed
            case CreateRequestJob(role=role, request=request):
                name = request.status.version if role is JobRole.TRAIN else reader_name(request.status.version)
                return self._create_job(observed, name, owner=request.meta.uid)
            case CreatePruneJob(prune=prune):
                return self._create_job(observed, prune.job_name, owner=observed.present.meta.uid)
            case CreateVerifyJob(verification=verification):
                return self._create_job(observed, verification.job_name, owner=observed.present.meta.uid)
            case DeleteJob(name=name, uid=uid):
                self._delete_job(name, uid)
            case ApplyServing(target=target):
                assert observed.deployment is not None
                self._apply(observed.deployment, target)
            case PublishLive(live=live):
                self._unchanged_model(observed.present.meta)
                self._annotate_model(modeldeployment.annotations_of(live))
        return None

    def _unchanged_model(self, meta: Meta) -> Model:
        if self.model is None or self.model.meta.uid != meta.uid:
            raise GoneError
        if self.model.meta.resource_version != meta.resource_version:
            raise ConflictError
        return self.model

    def _write_model(self, meta: Meta, status: ModelStatus) -> Model:
        model = self._unchanged_model(meta)
        before, written = model.status, stored(status) if self._through_json else status
        if written.rollout and not before.rollout:
            self.history.intents[written.rollout.request_uid] += 1
        if written != before:
            self.model = replace(model, status=written, meta=self._newer(model.meta))
        return self._present

    def _write_request(self, meta: Meta, status: RequestStatus) -> Request:
        known = self.requests.get(meta.name)
        if known is None or known.meta.uid != meta.uid:
            raise GoneError
        if known.meta.resource_version != meta.resource_version:
            raise ConflictError
        written = stored(status) if self._through_json else status
        if known.status.verdict:
            assert written.verdict is known.status.verdict, "a verdict is final"
        if written.verdict:
            self.history.verdicts[meta.uid] = written.verdict
        if written != known.status:
            self.requests[meta.name] = replace(known, status=written, meta=self._newer(known.meta))
        return self.requests[meta.name]

    def _emit(self, told: Emit) -> None:
        uid = told.about.meta.uid if told.about else self._present.meta.uid
        name = (uid, told.reason, told.key)
        if name not in self.history.events:
            self.history.events[name] = told
            self.history.log.extend(told.log)

    def _create_job(self, observed: Observed, name: str, *, owner: str) -> Observed | None:
        if name in self.jobs:
            return None
        job = self._make_job(name, owner)
        self.history.jobs_made[name] += 1
        return replace(observed, jobs={**observed.jobs, name: job})

    def _delete_job(self, name: str, uid: str) -> None:
        job = self.jobs.get(name)
        if job is None:
            return
        if job.uid != uid:
            raise ConflictError
        self._forget_job(name)
        self.history.jobs_removed[name] = int(self._next())

    def _apply(self, seen: Deployment, target: ServingState) -> None:
        if self.deployment is None:
            raise GoneError
        if self.deployment.resource_version != seen.resource_version:
            raise ConflictError
        self.history.patches.append(target)
        self._change_template(target, other_managers=())

    def refuse(self, said: str, *kinds: type, for_good: bool = False) -> None:
        """From now on the API server takes none of these effects: a quota, an admission policy, missing rights."""
        self._refused |= dict.fromkeys(kinds, (said, for_good))

    def allow(self) -> None:
        """It takes everything again."""
        self._refused.clear()

    def list_leftovers(self) -> None:
        """The periodic list: Jobs at work whose request is over are deleted (``engine.resync``)."""
        for request in self.requests.values():
            for name in [name for name, job in self.jobs.items() if superfluous(job, request)]:
                self._delete_job(name, self.jobs[name].uid)

    # What others do: requests and the model -------------------------------------------------------------------------------------

    def ask(self, name: str = "nightly-1", *, by: str = "", **spec: object) -> None:
        """Somebody creates a request; the API server writes down who, where it does."""
        meta = replace(self._meta(name), annotations={REQUESTED_BY: by} if by else {})
        self.requests[name] = Request(meta, RequestSpec(model=MODEL, **spec), RequestStatus())  # type: ignore[arg-type]
        self.happened()

    def cancel(self, name: str = "nightly-1") -> None:
        """Somebody annotates a request with cancel."""
        self._annotate_request(name, {CANCEL: "yes"})

    def approve(self, name: str = "nightly-1", by: str = "ada", reason: str = "") -> None:
        """A person approves a request, and may say why."""
        self._annotate_request(name, {APPROVED_BY: by} | ({APPROVAL_REASON: reason} if reason else {}))

    def _annotate_request(self, name: str, added: dict[str, str]) -> None:
        request = self.requests[name]
        annotations = {**request.meta.annotations, **added}
        self.requests[name] = replace(request, meta=replace(self._newer(request.meta), annotations=annotations))
        self.happened()

    def delete_request(self, name: str = "nightly-1") -> None:
        """Somebody deletes a request. Its Jobs stay for now: garbage collection comes when it comes."""
        del self.requests[name]
        self.happened()

    def annotate_model(self, **annotations: str) -> None:
        """Somebody annotates the ModelDeployment: ``f1_macro`` is written for ``modelsafeguard.io/f1-macro``. An empty value removes."""
        self._annotate_model({f"modelsafeguard.io/{key.replace('_', '-')}": text for key, text in annotations.items()})
        self.happened()

    def _annotate_model(self, annotations: dict[str, str]) -> None:
        meta = self._present.meta
        merged = {key: text for key, text in {**meta.annotations, **annotations}.items() if text}
        if merged != meta.annotations:
            self.model = replace(self._present, meta=replace(self._newer(meta), annotations=merged))

    def edit_model(self, spec: ModelSpec) -> None:
        """Its owner changes the ModelDeployment's spec."""
        meta = self._newer(self._present.meta)
        self.model = replace(self._present, spec=spec, meta=replace(meta, generation=meta.generation + 1))
        self.happened()

    def suspend(self, suspended: bool = True) -> None:
        """Its owner suspends the model, or lets it go on."""
        self.edit_model(replace(self._present.spec, suspend=suspended))

    def pin(self, version: str | None, reason: str = "") -> None:
        """Its owner pins a version, or takes the pin away."""
        self.edit_model(replace(self._present.spec, pin=Pin(version, reason) if version else None))

    def delete_model(self) -> None:
        """Somebody deletes the ModelDeployment."""
        self.model = None
        self.happened()

    def make_model(self, spec: ModelSpec) -> None:
        """Somebody creates a ModelDeployment of the same name."""
        self.model = Model(self._meta(MODEL), spec, ModelStatus())
        self.happened()

    def conflict_with(self, rival: str) -> None:
        """Another, older ModelDeployment uses the same Deployment; an empty name: no longer."""
        self.rival = rival
        self.happened()

    def set_claim(self, phase: str = "Bound", *modes: str) -> None:
        """The claim is there, in this phase."""
        self.claim = Claim(self._present.spec.storage.claim_name, phase, modes or ("ReadWriteMany",))
        self.happened()

    def delete_claim(self) -> None:
        """Somebody deletes the claim."""
        self.claim = None
        self.happened()

    def clock_passes(self, seconds: float) -> None:
        """Time goes by."""
        self.now += timedelta(seconds=seconds)
        self.happened()

    # What others do: Jobs -------------------------------------------------------------------------------------------------------

    def version(self, request: str = "nightly-1") -> str:
        """The version that a request trains."""
        return f"{request}-{self.requests[request].meta.uid[:8]}"

    def make_foreign_job(self, name: str) -> None:
        """Somebody else's Job has this name."""
        self._make_job(name, owner="somebody-else")
        self.happened()

    def delete_job(self, name: str) -> None:
        """Somebody deletes a Job."""
        if self.jobs[name].uid not in self._recorded_jobs():
            self.history.jobs_lost.add(name)
        self._forget_job(name)
        self.happened()

    def _recorded_jobs(self) -> set[str]:
        """The uids of the Jobs that are known by them."""
        verification = self.model.status.verification if self.model else None
        statuses = [request.status for request in self.requests.values()]
        jobs = [job.uid for status in statuses for job in (status.job, status.reader) if job]
        return {*jobs, *([verification.job_uid] if verification else [])}

    def job_pod_waits(self, name: str, trouble: str) -> None:
        """The Job's pod cannot start, for this reason."""
        self._job_pod(name, trouble=trouble)
        self.happened()

    def job_has_no_pod(self, name: str, why: str) -> None:
        """The Job cannot even make its pod."""
        self.job_pods[name], self.job_trouble[name] = (), why
        self.happened()

    def job_pod_runs(self, name: str) -> None:
        """The Job's pod has started."""
        self._job_pod(name, started=True)
        self.happened()

    def job_pod_is_gone(self, name: str) -> None:
        """The Job's pod was deleted, with its termination message."""
        self.job_pods[name] = ()
        self.happened()

    def trained(self, request: str = "nightly-1", accuracy: str = "0.9000", f1_macro: str = "0.8900", **changes: object) -> None:
        """The training Job completes with a report of these numbers."""
        self.delivered(request, self.version(request), report(self.version(request), accuracy=accuracy, f1_macro=f1_macro, **changes))

    def delivered(self, request: str, job: str, handed: Report | str) -> None:
        """A training or reader Job completes: the version is on the volume, whatever became of the message."""
        self.history.published.append(self.version(request))
        self.job_completes(job, handed)

    def job_completes(self, name: str, handed: Report | str) -> None:
        """A Job completes; ``measure`` handed over a report, or this text."""
        message = encode_report(handed).decode() if isinstance(handed, Report) else handed
        self._end_job(name, JobState.COMPLETE, "", ContainerEnd("measure", 0, "Completed", message))

    def measure_refuses(self, name: str, reason: str, message: str) -> None:
        """A Job fails because ``measure`` found something wrong."""
        handed = encode_failure(reason, message).decode()
        self._end_job(name, JobState.FAILED, "BackoffLimitExceeded", ContainerEnd("measure", 1, "Error", handed))

    def measure_crashes(self, name: str) -> None:
        """A Job fails because ``measure`` was killed before it could say anything."""
        self._end_job(name, JobState.FAILED, "BackoffLimitExceeded", ContainerEnd("measure", 139, "Error", ""))

    def trainer_ends(self, name: str, exit_code: int, *, reason: str = "Error", message: str = "") -> None:
        """A Job fails because the user's container ended with this status."""
        self._end_job(name, JobState.FAILED, "BackoffLimitExceeded", ContainerEnd("train", exit_code, reason, message))

    def job_fails(self, name: str, reason: str) -> None:
        """The Job controller ends a Job and its pod is gone."""
        self.job_pods[name] = ()
        self.jobs[name] = replace(self.jobs[name], state=JobState.FAILED, reason=reason)
        self.happened()

    def _end_job(self, name: str, state: JobState, reason: str, end: ContainerEnd) -> None:
        self._job_pod(name, started=True, ends=(end,))
        self.jobs[name] = replace(self.jobs[name], state=state, reason=reason)
        self.happened()

    # What others do: the Deployment ---------------------------------------------------------------------------------------------

    @property
    def served(self) -> str | None:
        """The version that the Deployment's pods are told to serve; None for what was found, "nothing" without a Deployment."""
        return self.deployment.serving.version if self.deployment else "nothing"

    def pods_become_ready(self) -> None:
        """The Deployment controller has done its work: all pods are of the present template and ready. Paused, it only counts them."""
        deployment = self.deployment
        if deployment is None:
            return
        version, replicas = deployment.serving.annotation, deployment.replicas
        new = [pod for pod in self.serving_pods if pod.version == version and pod.ready][:replicas]
        if not deployment.paused:
            self.serving_pods = (*new, *(self._pod(version=version, ready=True) for _ in range(replicas - len(new))))
        ready = sum(pod.ready for pod in self.serving_pods)
        updated = sum(pod.version == version for pod in self.serving_pods)
        self._deployment_status(updated=updated, current=len(self.serving_pods), available=ready)

    def pods_fail(self, trouble: str, *, ready: int = 0) -> None:
        """The rollout does not get on: of the new pods so many are ready, and one is not, for this reason."""
        deployment = self._there
        version = deployment.serving.annotation
        old = [pod for pod in self.serving_pods if pod.version != version]
        new = [self._pod(version=version, ready=True) for _ in range(ready)]
        self.serving_pods = (*old, *new, self._pod(version=version, ready=False, trouble=trouble))
        self._deployment_status(updated=ready + 1, current=len(self.serving_pods), available=len(old) + ready)

    def deployment_stalls(self, *, seconds_ago: float = 0) -> None:
        """The Deployment says ProgressDeadlineExceeded."""
        at = self.now - timedelta(seconds=seconds_ago)
        self.deployment = replace(self._there, stalled_at=at)
        self._deployment_status(updated=1, current=3, available=2)

    def change_pod(self, index: int = 0, **changes: object) -> None:
        """Something happens to one serving pod."""
        pods = list(self.serving_pods)
        pods[index] = replace(pods[index], **changes)  # type: ignore[arg-type]
        self.serving_pods = tuple(pods)
        self.happened()

    def evict_pod(self, index: int = 0) -> None:
        """A node drain takes one serving pod away; another one takes its place."""
        pods = list(self.serving_pods)
        pods[index] = self._pod(version=pods[index].version, ready=True)
        self.serving_pods = tuple(pods)
        self.happened()

    def serve_by_hand(self, serving: ServingState, *, manager: str = "") -> None:
        """Somebody else changes the fields that a rollout sets; with a manager, by a manifest that names them."""
        self._change_template(serving, other_managers=(manager,) if manager else self._there.other_managers)
        self.happened()

    def edit_deployment(self, **changes: object) -> None:
        """Somebody changes the Deployment: paused, replicas, problem, other_managers…"""
        deployment = self._there
        self.deployment = replace(deployment, generation=deployment.generation + 1, resource_version=self._next(), **changes)  # type: ignore[arg-type]
        self.happened()

    def delete_deployment(self) -> None:
        """Somebody deletes the Deployment."""
        self.deployment, self.serving_pods = None, ()
        self.happened()

    def make_deployment(self, serving: ServingState = FOUND) -> None:
        """Somebody creates the Deployment, with these values in its manifest."""
        self._make_deployment(serving)
        self.happened()

    # ----------------------------------------------------------------------------------------------------------------------------

    @property
    def _present(self) -> Model:
        assert self.model is not None
        return self.model

    @property
    def _there(self) -> Deployment:
        assert self.deployment is not None
        return self.deployment

    def _next(self) -> str:
        self._serial += 1
        return str(self._serial)

    @property
    def serial(self) -> int:
        """What is counted up by everything that is written."""
        return self._serial

    def _meta(self, name: str) -> Meta:
        self._made += 1
        return Meta(NAMESPACE, name, uid=f"{self._made:08x}-0000", resource_version=self._next(), generation=1, created=self.now)

    def _newer(self, meta: Meta) -> Meta:
        return replace(meta, resource_version=self._next())

    def _pod(self, *, version: str | None, ready: bool, trouble: str = "") -> Pod:
        name = f"pod-{self._next()}"
        return Pod(name, f"uid-of-{name}", ready, self.now if ready else None, 0, version=version, trouble=trouble, started=ready)

    def _make_job(self, name: str, owner: str) -> Job:
        self.jobs[name] = Job(name, uid=f"job-{self._next()}", owner_uid=owner, state=JobState.ACTIVE)
        return self.jobs[name]

    def _forget_job(self, name: str) -> None:
        del self.jobs[name]
        self.job_pods.pop(name, None)
        self.job_trouble.pop(name, None)

    def _job_pod(self, name: str, *, trouble: str = "", started: bool = False, ends: tuple[ContainerEnd, ...] = ()) -> None:
        pod = Pod(f"{name}-pod", f"uid-of-{name}", ready=False, ready_since=None, restarts=0, trouble=trouble, started=started, ends=ends)
        self.job_pods[name] = (pod,)

    def _make_deployment(self, serving: ServingState) -> None:
        name = self._present.spec.serving.deployment_name
        uid = f"deployment-{self._next()}"
        self.serving_pods = tuple(self._pod(version=serving.annotation, ready=True) for _ in range(2))
        self.deployment = Deployment(
            name,
            uid,
            resource_version=self._next(),
            generation=1,
            observed_generation=1,
            paused=False,
            replicas=2,
            current_replicas=2,
            updated_replicas=2,
            available_replicas=2,
            serving=serving,
            mount_path="/models",
            selector="app=intents",
        )

    def _change_template(self, serving: ServingState, *, other_managers: tuple[str, ...]) -> None:
        deployment = self._there
        if deployment.serving == serving and deployment.other_managers == other_managers:
            return
        generation = deployment.generation + (deployment.serving != serving)
        self.deployment = replace(
            deployment, serving=serving, generation=generation, resource_version=self._next(), other_managers=other_managers
        )

    def _deployment_status(self, *, updated: int, current: int, available: int) -> None:
        self.deployment = replace(
            self._there,
            observed_generation=self._there.generation,
            updated_replicas=updated,
            current_replicas=current,
            available_replicas=available,
            resource_version=self._next(),
        )
        self.happened()
