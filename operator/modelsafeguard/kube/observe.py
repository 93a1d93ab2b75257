"""Gather: read one model's world into one frozen value, with just the calls that its present stage needs."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from modelsafeguard.api import modeldeployment, retrainrequest
from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.api.names import LABEL_ROLE, MODEL_PLURAL, REQUEST_KIND, REQUEST_PLURAL
from modelsafeguard.core.cluster import Claim, Deployment, Job, JobState, Pod
from modelsafeguard.core.contract import VERSIONS
from modelsafeguard.core.lifecycle.adoption import signature_of
from modelsafeguard.core.lifecycle.approval import approver
from modelsafeguard.core.lifecycle.pruning import surplus
from modelsafeguard.core.lifecycle.readiness import model_problem
from modelsafeguard.core.lifecycle.world import Observed, PublicCopy, reader_name, version_of
from modelsafeguard.core.model import Model, ModelStatus
from modelsafeguard.core.request import Request, Stage
from modelsafeguard.kube.client import Api, Json
from modelsafeguard.kube.errors import Refused
from modelsafeguard.kube.foreign import claim_of, controlled_by, deployment_of, job_of, pod_of
from modelsafeguard.kube.paths import APPROVE_BINDING, POLICIES, REBASE_BINDING, REQUESTER_BINDING, collection, item

# Phases of pods that will not run again.
_OVER = {"Succeeded", "Failed"}

Rivals = Callable[[Model], str]


@dataclass(frozen=True)
class Place:
    """Where a model serves and stores: the names of its Deployment and of its claim."""

    deployment: str
    claim: str


Places = Callable[[str, str], Place | None]


@dataclass(frozen=True)
class Observer:
    """Reads worlds. ``rivals`` names an older ModelDeployment that a model is in conflict with, or ''.

    ``places`` is where the model of a namespace and name was when last heard of: with it all is read at once. A guess that turns out
    wrong costs a second round.
    """

    api: Api
    rivals: Rivals
    places: Places

    async def observe(self, namespace: str, name: str) -> Observed:
        """The world of one model as it is now."""
        guess = self.places(namespace, name)
        body, requests, outside = await asyncio.gather(
            self.api.get(item(MODEL_PLURAL, namespace, name)), self._open_requests(namespace, name), self._outside(namespace, guess)
        )
        observed = Observed(namespace, name, None, requests)
        if body is None:
            return await self._with_jobs(observed, [request.status.version for request in requests if request.status.version])
        model = modeldeployment.from_body(body)
        observed = with_model(replace(observed, rival=self.rivals(model)), model)
        place = Place(model.spec.serving.deployment_name, model.spec.storage.claim_name)
        observed = await self._with_known(observed, model.status)
        observed = await self._with_stage(observed, model)
        observed = await self._with_signatures(observed, model)
        observed = _with_outside(observed, model, outside)
        # What was read together with the record may be older than it: another operator may have patched in between. Wherever a
        # decision would rest on the difference, the Deployment is read again after the record.
        if place != guess or model.status.rollout or model_problem(observed):
            observed = _with_outside(observed, model, await self._outside(namespace, place))
        return await self._with_serving(observed, model, observed.deployment) if observed.deployment else observed

    async def _outside(self, namespace: str, place: Place | None) -> tuple[Json | None, Json | None]:
        """The Deployment and the claim."""
        if place is None:
            return None, None
        return await asyncio.gather(
            self.api.get(item("deployments", namespace, place.deployment)),
            self.api.get(item("persistentvolumeclaims", namespace, place.claim)),
        )

    async def _with_signatures(self, observed: Observed, model: Model) -> Observed:
        """Whether the API server checks who approves, who asked and who signs; asked only where somebody did and where it matters."""
        approved = [each for each in observed.requests if each.status.stage is Stage.AWAITING_APPROVAL and approver(each)]
        others_asked_for = any(each.status.frozen and each.status.frozen.policy.approvals.forbid_own for each in approved)
        signed = signature_of(model) != model.status.rebased_by
        return replace(
            observed,
            approvals_checked=bool(approved) and await self._in_force(APPROVE_BINDING),
            requesters_checked=others_asked_for and await self._in_force(REQUESTER_BINDING),
            signatures_checked=signed and await self._in_force(REBASE_BINDING),
        )

    async def _in_force(self, binding: str) -> bool:
        """Whether an admission policy refuses what it does not allow, everywhere. Where we may not even ask: no."""
        try:
            bound = (await self.api.get(binding) or {}).get("spec", {})
            policy = await self.api.get(f"{POLICIES}/{bound['policyName']}") if "Deny" in bound.get("validationActions", []) else None
        except Refused:
            return False
        return policy is not None and binding.endswith(f"/{bound['policyName']}") and "matchResources" not in bound

    async def _open_requests(self, namespace: str, name: str) -> tuple[Request, ...]:
        selector = f"spec.modelDeploymentRef.name={name},status.verdict="
        # One that came later has its own event; what rests on one that has changed since is refused, by compare-and-swap.
        bodies = self.api.items(collection(REQUEST_PLURAL, namespace), known=REQUEST_KIND, fieldSelector=selector)
        found = [retrainrequest.from_body(body) async for body in bodies]
        return tuple(sorted(found, key=lambda request: (request.meta.created, request.meta.uid)))

    async def _with_known(self, observed: Observed, status: ModelStatus) -> Observed:
        """The requests that the record speaks of even if they have their verdict, or came after the open ones were listed."""
        known = {each.request_uid: each.request_name for each in status.awaiting_approval}
        if status.active_request:
            known[status.active_request.uid] = status.active_request.name
        unlisted = known.keys() - {request.meta.uid for request in observed.requests}
        bodies = await asyncio.gather(*(self.api.get(item(REQUEST_PLURAL, observed.namespace, known[uid])) for uid in sorted(unlisted)))
        found = [retrainrequest.from_body(body) for body in bodies if body and body["metadata"]["uid"] in unlisted]
        return replace(observed, requests=(*found, *observed.requests))

    async def _with_stage(self, observed: Observed, model: Model) -> Observed:
        """The Jobs of the present stage."""
        reference, prune, verification = model.status.active_request, model.status.prune, model.status.verification
        if prune:
            return await self._with_jobs(observed, [prune.job_name])
        others = [*_of_a_model_before(observed, model), *([verification.job_name] if verification else [])]
        if reference is None:
            return await self._with_jobs(observed, others)
        version, active = version_of(reference), observed.active
        if active and active.status.stage in (None, Stage.QUEUED, Stage.ROLLING_OUT, Stage.JUDGING, Stage.AWAITING_APPROVAL):
            return await self._with_jobs(observed, [verification.job_name] if verification else [])
        names = [version]
        if active is None or active.status.stage is not Stage.TRAINING or active.status.job:
            names.append(reader_name(version))
        return await self._with_jobs(observed, [*names, *others])

    async def _with_jobs(self, observed: Observed, names: list[str]) -> Observed:
        bodies = await asyncio.gather(*(self.api.get(item("jobs", observed.namespace, name)) for name in names))
        jobs = [job_of(body) for body in bodies if body]
        pods = await asyncio.gather(*(self._pods_of(observed.namespace, job) for job in jobs))
        troubles = await asyncio.gather(*(self._trouble_of(observed.namespace, job, made) for job, made in zip(jobs, pods, strict=True)))
        return replace(
            observed,
            jobs={job.name: job for job in jobs},
            job_pods={job.name: made for job, made in zip(jobs, pods, strict=True)},
            job_trouble={job.name: trouble for job, trouble in zip(jobs, troubles, strict=True) if trouble},
        )

    async def _pods_of(self, namespace: str, job: Job) -> tuple[Pod, ...]:
        """The Job's own pods: those that it controls, with the label that only the Job controller can put on (manifests/admission)."""
        bodies = self.api.items(collection("pods", namespace), labelSelector=f"batch.kubernetes.io/job-name={job.name},{LABEL_ROLE}")
        return tuple([pod_of(body) async for body in bodies if controlled_by(body, {job.uid})])

    async def _trouble_of(self, namespace: str, job: Job, pods: tuple[Pod, ...]) -> str:
        """Why a Job has no pod at all (a quota, an admission policy): only its Events say it."""
        if pods or job.state is not JobState.ACTIVE:
            return ""
        selector = f"involvedObject.uid={job.uid},type=Warning"
        events = [event async for event in self.api.items(collection("events", namespace), fieldSelector=selector)]
        return str(events[-1].get("message", ""))[:500] if events else ""

    async def _with_serving(self, observed: Observed, model: Model, deployment: Deployment) -> Observed:
        """The serving pods while a rollout is under way; the versions that pods still mount when some are to be pruned."""
        status, namespace = model.status, observed.namespace
        if status.rollout:
            return replace(observed, serving_pods=tuple(map(pod_of, await serving_pods(self.api, namespace, deployment))))
        if status.active_request is None and status.prune is None and surplus(model):
            sets = await _replica_sets(self.api, namespace, deployment)
            mounted = frozenset(version for body in sets if body["spec"].get("replicas") for version in _mounted(body))
            return replace(observed, mounted=mounted)
        return observed


def _with_outside(observed: Observed, model: Model, outside: tuple[Json | None, Json | None]) -> Observed:
    deployment, claim = outside
    seen = deployment_of(deployment, model.spec) if deployment else None
    return replace(observed, deployment=seen, claim=claim_of(claim) if claim else None)


def _of_a_model_before(observed: Observed, model: Model) -> list[str]:
    """The training Jobs of requests that a model of the same name had begun before it was deleted and made anew."""
    return [each.status.version for each in observed.requests if each.status.version and each.status.model_uid != model.meta.uid]


async def serving_pods(api: Api, namespace: str, deployment: Deployment) -> list[Json]:
    """The Deployment's own pods, without those that are over (evicted ones stay listed).

    Its labels are no proof: anybody may put them on a pod that then seems to hold, or to fail.
    """
    sets = {body["metadata"]["uid"] for body in await _replica_sets(api, namespace, deployment)}
    pods = api.items(collection("pods", namespace), labelSelector=deployment.selector)
    return [body async for body in pods if controlled_by(body, sets) and body.get("status", {}).get("phase") not in _OVER]


async def node_in_use(api: Api, namespace: str, claim: Claim | None, deployment: Deployment | None) -> str | None:
    """The node that a ReadWriteOnce claim binds its pods to: that of a serving pod; None where any node will do."""
    if claim is None or "ReadWriteMany" in claim.access_modes or deployment is None:
        return None
    pods = await serving_pods(api, namespace, deployment)
    return next((pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")), None)


async def _replica_sets(api: Api, namespace: str, deployment: Deployment) -> list[Json]:
    sets = api.items(collection("replicasets", namespace), labelSelector=deployment.selector)
    return [body async for body in sets if controlled_by(body, {deployment.uid})]


def _mounted(replica_set: Json) -> list[str]:
    """The versions that a ReplicaSet's containers mount by subPath."""
    containers = replica_set["spec"]["template"]["spec"]["containers"]
    mounts = [mount for container in containers for mount in container.get("volumeMounts", [])]
    paths = [mount.get("subPath", "") for mount in mounts]
    return [path.rsplit("/", 1)[1] for path in paths if f"{VERSIONS}/" in path]


def with_model(observed: Observed, model: Model) -> Observed:
    """The same world with another reading of the model, its annotations read along."""
    annotations, live = model.meta.annotations, model.status.live
    try:
        baseline = modeldeployment.baseline_from_annotations(annotations, [rule.name for rule in model.spec.policy.metrics])
    except MalformedObject as error:
        return replace(observed, model=model, public=PublicCopy(problem=str(error)))
    matches = live is None or modeldeployment.is_annotated(annotations, live)
    return replace(observed, model=model, public=PublicCopy(baseline=baseline, matches_live=matches))


def with_request(observed: Observed, request: Request) -> Observed:
    """The same world with another reading of one request."""
    requests = tuple(request if each.meta.uid == request.meta.uid else each for each in observed.requests)
    return replace(observed, requests=requests)
