"""The periodic full list: correctness depends on no event arriving."""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from modelsafeguard.api import retrainrequest
from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.api.names import LABEL_REQUEST, MODEL_PLURAL, REQUEST_PLURAL
from modelsafeguard.core.cluster import Job, JobState
from modelsafeguard.core.lifecycle.expiry import expires_at
from modelsafeguard.core.lifecycle.stopping import superfluous
from modelsafeguard.core.request import Request
from modelsafeguard.engine.queue import KeyQueue
from modelsafeguard.engine.registry import Entry, Key, Registry, entry_of
from modelsafeguard.engine.settings import EndlessBackoff
from modelsafeguard.kube.client import Api
from modelsafeguard.kube.errors import Conflict, KubernetesError, NotFound, Refused, Unavailable
from modelsafeguard.kube.foreign import job_of
from modelsafeguard.kube.paths import collection, item

log = logging.getLogger(__name__)

# Each round looks in full at one of this many parts of the models that seem to need nothing, and every such number of rounds at
# all finished requests: with the default period, once an hour.
PARTS = 12

_NO_KINDS = "The API server does not know the two kinds yet: kubectl apply --server-side -k crds"
_NO_RIGHTS = (
    "The operator's ServiceAccount needs the role and binding of manifests/cluster, "
    "or of manifests/namespaced in each namespace that SAFEGUARD_NAMESPACE names: apply them"
)


@dataclass
class Resync:
    """Lists everything every ``seconds`` (with jitter). ``namespaces`` empty means the whole cluster."""

    api: Api
    models: Registry
    queue: KeyQueue[Key]
    namespaces: tuple[str, ...]
    seconds: float
    rounds: int = field(default=0, init=False)

    async def first(self) -> None:
        """The first round, before which nothing is decided: an API server that is away is asked again, later and later.

        Raises:
            KubernetesError: only a person can mend it; the message says how.
        """
        for seconds in EndlessBackoff():
            try:
                await self.once()
            except Unavailable as error:
                pause = max(seconds, error.retry_after or 0.0)
                log.warning("nothing is done before the first full list, which is asked for again in %.1f s: %s", pause, error)
                await asyncio.sleep(pause)
            except (NotFound, Refused) as error:
                raise KubernetesError(f"{error}. {_NO_KINDS if isinstance(error, NotFound) else _NO_RIGHTS}") from error
            else:
                return

    async def run(self) -> None:
        """Resync until cancelled; a failing round is tried again at the next."""
        while True:
            await asyncio.sleep(self.seconds * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, no secret
            try:
                await self.once()
            except KubernetesError as error:
                log.warning("the periodic list failed, the next one follows: %s", error)
            except Exception:
                log.exception("the periodic list failed, the next one follows")

    async def once(self) -> None:
        """One round: every model with an open request or work under way, a part of the others; what is past its time, and left over."""
        self.models.list_begins()
        busy: set[Key] = set()
        entries: dict[Key, Entry] = {}
        opened: set[str] = set()
        for namespace in self.namespaces or ("",):
            async for body in self.api.items(collection(MODEL_PLURAL, namespace)):
                key, entry = entry_of(body)
                entries[key] = entry
                if _working(body):
                    busy.add(key)
            async for body in self.api.items(collection(REQUEST_PLURAL, namespace), fieldSelector="status.verdict="):
                busy.add((body["metadata"]["namespace"], body["spec"]["modelDeploymentRef"]["name"]))
                opened.add(body["metadata"]["uid"])
        known = self.models.replace(entries)
        part = self.rounds % PARTS
        for key in busy | {key for key in known if hash(key) % PARTS == part}:
            self.queue.add(key)
        self.rounds += 1
        if part == 0:
            await self._expire()
        await self._stop_superfluous(opened)

    async def _expire(self) -> None:
        """Delete the finished requests whose time to live has passed."""
        now = datetime.now(UTC)
        for namespace in self.namespaces or ("",):
            async for body in self.api.items(collection(REQUEST_PLURAL, namespace), fieldSelector="status.verdict!="):
                if "ttlSecondsAfterFinished" not in body["spec"]:
                    continue  # not even read: there may be very many
                try:
                    await self._expire_one(retrainrequest.from_body(body), now)
                except (MalformedObject, Conflict, Refused) as error:
                    log.warning("a finished request is not deleted in this round: %s", error)

    async def _expire_one(self, request: Request, now: datetime) -> None:
        at, meta = expires_at(request), request.meta
        if at and at <= now:
            preconditions = {"uid": meta.uid, "resourceVersion": meta.resource_version}
            await self.api.delete(item(REQUEST_PLURAL, meta.namespace, meta.name), preconditions)

    async def _stop_superfluous(self, opened: set[str]) -> None:
        """Delete the Jobs that are at work for requests that have their verdict. ``opened`` are the uids of those that have none."""
        for namespace in self.namespaces or ("",):
            unfinished = self.api.items(collection("jobs", namespace), labelSelector=LABEL_REQUEST, fieldSelector="status.successful=0")
            async for body in unfinished:
                job = job_of(body)
                if job.state is not JobState.ACTIVE or job.owner_uid in opened:
                    continue
                try:
                    await self._stop_one(job, body["metadata"])
                except (MalformedObject, Conflict, Refused) as error:
                    log.warning("a Job whose request is over is not deleted in this round: %s", error)

    async def _stop_one(self, job: Job, metadata: Mapping[str, Any]) -> None:
        namespace = metadata["namespace"]
        body = await self.api.get(item(REQUEST_PLURAL, namespace, metadata["labels"][LABEL_REQUEST]))
        if body and superfluous(job, retrainrequest.from_body(body)):
            await self.api.delete(item("jobs", namespace, job.name), {"uid": job.uid})


def _working(body: dict[str, Any]) -> bool:
    status = body.get("status", {})
    unseen = status.get("observedGeneration") != body["metadata"].get("generation")
    waits = any(each["type"] == "Reconciling" for each in status.get("conditions", []))  # perhaps for what is not watched: a claim
    return unseen or waits or any(status.get(part) for part in ("activeRequest", "rollout", "prune", "verification"))
