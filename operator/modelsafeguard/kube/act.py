"""Act: perform the effects that were decided, in order. Nothing is decided here."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from modelsafeguard.api import modeldeployment, retrainrequest
from modelsafeguard.api.names import API_VERSION, MODEL_KIND, MODEL_PLURAL, REQUEST_KIND, REQUEST_PLURAL
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
from modelsafeguard.core.lifecycle.world import Observed, Refusal
from modelsafeguard.core.model import Meta
from modelsafeguard.core.text import one_line
from modelsafeguard.kube.client import Api, Json
from modelsafeguard.kube.errors import AlreadyExists, Invalid, NotFound, Refused
from modelsafeguard.kube.foreign import job_of
from modelsafeguard.kube.observe import node_in_use, with_model, with_request
from modelsafeguard.kube.paths import collection, events, item
from modelsafeguard.objects.events import Fact, event
from modelsafeguard.objects.jobs import Images, prune_job, reader_job, training_job, verify_job
from modelsafeguard.objects.serving import metadata_patch, serving_patch

log = logging.getLogger("modelsafeguard.outcome")

# Seconds that a finished Job, and its pod's log, stay after the result is stored.
JOB_TTL_SECONDS = 86_400
# As much of the API server's words as statuses hold.
LONGEST_REFUSAL = 500
# Of so many Events it is remembered that their lines were logged: a step that fails is done again, and tells them again.
_KEPT_NAMES = 1024


class NotPerformed(Exception):  # noqa: N818 - an answer, not a fault
    """An effect that the API server refused. Those before it were performed, those after it were not."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.said)
        self.refusal = refusal


@dataclass(frozen=True)
class Actor:
    """Performs effects. ``images`` are the images of our own containers, ``instance`` names this process in Events."""

    api: Api
    images: Images
    instance: str
    _logged: dict[str, None] = field(default_factory=dict, init=False)

    async def perform(self, observed: Observed, effects: Sequence[Effect]) -> Observed | None:
        """The world after the effects, where their replies tell it; None when it must be read again. Raises ``NotPerformed``."""
        known: Observed | None = observed
        for effect in effects:
            try:
                after = await self._one(known or observed, effect)
            except Refused as error:
                said = one_line(str(error))[:LONGEST_REFUSAL]
                raise NotPerformed(Refusal(effect, said, for_good=isinstance(error, Invalid))) from error
            known = after if known else None
        return known

    async def _one(self, observed: Observed, effect: Effect) -> Observed | None:
        match effect:
            case WriteModel(status=status):
                meta = observed.present.meta
                body = _status_body(MODEL_KIND, meta, modeldeployment.status_to_json(status))
                reply = await self.api.replace(item(MODEL_PLURAL, meta.namespace, meta.name, "status"), body)
                return with_model(observed, modeldeployment.from_body(reply))
            case WriteRequest(request=request, status=request_status):
                meta = request.meta
                body = _status_body(REQUEST_KIND, meta, retrainrequest.status_to_json(request_status))
                reply = await self.api.replace(item(REQUEST_PLURAL, meta.namespace, meta.name, "status"), body)
                if request_status.verdict:
                    return None  # its Jobs are tidied next, and a world from before its end need not have them
                return with_request(observed, retrainrequest.from_body(reply))
            case Emit():
                await self._emit(observed, effect)
                return observed
            case ExpireJob(name=name):
                await self._expire(item("jobs", observed.namespace, name), effect)
                return observed
            case _:
                return await self._outside(observed, effect)

    async def _outside(self, observed: Observed, effect: Effect) -> Observed | None:
        """Effects on objects that are not ours alone."""
        match effect:
            case CreateRequestJob(role=role, request=request):
                node = await self._node(observed)
                build = training_job if role is JobRole.TRAIN else reader_job
                return await self._create_job(observed, build(observed.present, request, self.images, node=node))
            case CreatePruneJob(prune=prune):
                node = await self._node(observed)
                return await self._create_job(observed, prune_job(observed.present, prune, self.images, node=node))
            case CreateVerifyJob(verification=verification):
                node = await self._node(observed)
                return await self._create_job(observed, verify_job(observed.present, verification, self.images, node=node))
            case DeleteJob(name=name, uid=uid):
                await self.api.delete(item("jobs", observed.namespace, name), {"uid": uid})
            case ApplyServing(target=target):
                assert observed.deployment is not None
                deployment = observed.deployment
                patch = serving_patch(observed.present, deployment.mount_path, target, deployment.resource_version)
                await self.api.apply(item("deployments", observed.namespace, deployment.name), patch)
            case PublishLive(live=live):
                patch = metadata_patch(observed.present, modeldeployment.annotations_of(live))
                await self.api.apply(item(MODEL_PLURAL, observed.namespace, observed.name), patch)
            case _:
                raise AssertionError(f"no such effect: {effect}")
        return None

    async def _create_job(self, observed: Observed, body: Json) -> Observed | None:
        try:
            job = job_of(await self.api.create(collection("jobs", observed.namespace), body))
        except AlreadyExists:
            return None  # made before a crash, or by somebody else: looked at before it is believed
        return replace(observed, jobs={**observed.jobs, job.name: job})

    async def _expire(self, path: str, effect: ExpireJob) -> None:
        body = {"metadata": {"uid": effect.uid}, "spec": {"ttlSecondsAfterFinished": JOB_TTL_SECONDS}}
        try:
            await self.api.merge(path, body)
        except NotFound:
            return

    async def _emit(self, observed: Observed, fact: Emit) -> None:
        kind, meta = (REQUEST_KIND, fact.about.meta) if fact.about else (MODEL_KIND, observed.present.meta)
        told = Fact(kind, meta, fact.reason, fact.message, key=fact.key, warning=fact.warning)
        body = event(told, now=datetime.now(UTC), instance=self.instance)
        try:
            await self.api.create(events(meta.namespace), body)
        except AlreadyExists:
            pass  # by another operator, or by this one before it was killed: whether that came to log it is not known
        except Refused as error:  # nothing is decided by an Event, so nothing waits for one
            log.error("an Event could not be written: %s", error)  # noqa: TRY400 - the sentence says it all
        if fact.log:
            self._log_once(body["metadata"]["name"], fact.log)

    def _log_once(self, name: str, lines: Sequence[str]) -> None:
        """Once a process, whoever has written the Event: a kill loses no line, and may have said them twice. The Event is there once."""
        if name in self._logged:
            return
        self._logged[name] = None
        if len(self._logged) > _KEPT_NAMES:
            del self._logged[next(iter(self._logged))]
        for line in lines:
            log.info(line)

    async def _node(self, observed: Observed) -> str | None:
        return await node_in_use(self.api, observed.namespace, observed.claim, observed.deployment)


def _status_body(kind: str, meta: Meta, status: dict[str, Any]) -> Json:
    metadata = {"namespace": meta.namespace, "name": meta.name, "uid": meta.uid, "resourceVersion": meta.resource_version}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "status": status}
