"""Kubernetes as raw JSON, in one namespace: the tests' own client, so that it shares nothing with the operator's."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from tests.support.apiserver import ApiServer
from tests.support.connections import Connector

Json = dict[str, Any]

# kind → (group/version, plural)
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "ModelDeployment": ("modelsafeguard.io/v1alpha1", "modeldeployments"),
    "RetrainRequest": ("modelsafeguard.io/v1alpha1", "retrainrequests"),
    "Job": ("batch/v1", "jobs"),
    "CronJob": ("batch/v1", "cronjobs"),
    "Deployment": ("apps/v1", "deployments"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "Pod": ("v1", "pods"),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims"),
    "ConfigMap": ("v1", "configmaps"),
    "ResourceQuota": ("v1", "resourcequotas"),
    "ServiceAccount": ("v1", "serviceaccounts"),
    "Event": ("events.k8s.io/v1", "events"),
    "Role": ("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", "rolebindings"),
}

MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
POLL_SECONDS: Final = 0.05
# Not done, ask again. Seen: "storage is (re)initializing" just after a CRD was made, "apiserver is shutting down".
_NOT_NOW: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
# What a call raises when the API server is away, or does not answer in time.
NO_ANSWER: Final = (aiohttp.ClientError, TimeoutError)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
_WATCH_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=15)
_LONGEST_EVENT: Final = 2**22  # bytes


class ApiError(Exception):
    """The API server's refusal: its HTTP ``code``, machine ``reason`` and message."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason


class Client:
    """What a person with all rights can do in one namespace. Errors are ``ApiError`` and ``NO_ANSWER``."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.server = server
        self.namespace = namespace

    async def __aenter__(self) -> Self:
        connector = Connector(ssl=self.server.ssl)
        self._http = aiohttp.ClientSession(self.server.url, connector=connector, timeout=_TIMEOUT, read_bufsize=_LONGEST_EVENT)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.close()

    async def get(self, kind: str, name: str) -> Json:
        return await self._call("GET", self.path(kind, name))

    async def find(self, kind: str, name: str) -> Json | None:
        """The object, or None when there is none."""
        try:
            return await self.get(kind, name)
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def find_all(self, kind: str, *, labels: str = "", fields: str = "") -> list[Json]:
        """The objects that match both selectors, with ``kind`` and ``apiVersion`` filled in."""
        return (await self._list(kind, labels, fields))[0]

    async def create(self, body: Json, *, subresource: str = "") -> Json:
        """Create an object, or with a subresource post to that one of the object named in the body."""
        name = body["metadata"]["name"] if subresource else ""
        return await self._call("POST", self.path(body["kind"], name, subresource), body)

    async def replace(self, body: Json, *, subresource: str = "") -> Json:
        return await self._call("PUT", self.path(body["kind"], body["metadata"]["name"], subresource), body)

    async def patch(self, kind: str, name: str, patch: Json, *, subresource: str = "", content_type: str = MERGE_PATCH) -> Json:
        return await self._call("PATCH", self.path(kind, name, subresource), patch, content_type=content_type)

    async def patch_status(self, kind: str, name: str, status: Json) -> Json:
        """Merge into the status: lists are replaced as a whole."""
        return await self.patch(kind, name, {"status": status}, subresource="status")

    async def apply(self, body: Json, *, manager: str, force: bool = False) -> Json:
        """Server-side apply."""
        query = {"fieldManager": manager, "force": str(force).lower()}
        return await self._call("PATCH", self.path(body["kind"], body["metadata"]["name"]), body, query=query, content_type=APPLY_PATCH)

    async def delete(self, kind: str, name: str, *, propagation: str = "Background", now: bool = False) -> None:
        """Delete, as kubectl does; ``now`` leaves a pod no grace period. What is gone already is fine."""
        options = {"propagationPolicy": propagation, **({"gracePeriodSeconds": 0} if now else {})}
        try:
            await self._call("DELETE", self.path(kind, name), options)
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise

    async def token(self, service_account: str) -> str:
        """A bearer token of a ServiceAccount of this namespace."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer = await self._call("POST", self.path("ServiceAccount", service_account, "token"), body)
        return str(answer["status"]["token"])

    async def follow(self, kind: str, *, name: str = "", labels: str = "") -> AsyncGenerator[tuple[str, Json]]:
        """Each object as it is now ("ADDED"), then each change ("ADDED", "MODIFIED", "DELETED").

        Never ends by itself. When the stream breaks or is too old, everything is listed anew. Close it with ``aclosing``.
        """
        fields = f"metadata.name={name}" if name else ""
        while True:
            with suppress(*NO_ANSWER):
                objects, version = await self._list(kind, labels, fields)
                for body in objects:
                    yield "ADDED", body
                async for event, body in self._watch(kind, labels, fields, version):
                    yield event, body
            await asyncio.sleep(POLL_SECONDS)  # a test may have stopped the API server: ask again until it is back

    def path(self, kind: str, name: str = "", subresource: str = "") -> str:
        """The URL path of a kind in this namespace, of one object, or of its subresource."""
        version, plural = KINDS[kind]
        parts = ["apis" if "/" in version else "api", version, "namespaces", self.namespace, plural, name, subresource]
        return "/" + "/".join(part for part in parts if part)

    async def _list(self, kind: str, labels: str, fields: str) -> tuple[list[Json], str]:
        answer = await self._call("GET", self.path(kind), query={"labelSelector": labels, "fieldSelector": fields})
        own = {"apiVersion": KINDS[kind][0], "kind": kind}
        return [{**own, **body} for body in answer["items"]], answer["metadata"]["resourceVersion"]

    async def _watch(self, kind: str, labels: str, fields: str, version: str) -> AsyncGenerator[tuple[str, Json]]:
        query = {"watch": "true", "resourceVersion": version, "labelSelector": labels, "fieldSelector": fields}
        async with self._http.get(self.path(kind), params=query, timeout=_WATCH_TIMEOUT) as answer:
            if answer.status in _NOT_NOW:
                return
            if not answer.ok:
                raise await _refusal(answer)
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["type"], event["object"]

    async def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Json:
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type}
        while True:
            async with self._http.request(method, path, data=content, params=query, headers=headers) as answer:
                if answer.ok:
                    result: Json = await answer.json()
                    return result
                if answer.status not in _NOT_NOW:
                    raise await _refusal(answer)
            await asyncio.sleep(POLL_SECONDS)


async def _refusal(answer: aiohttp.ClientResponse) -> ApiError:
    text = await answer.text()
    try:
        status = json.loads(text)
    except ValueError:
        status = {}
    return ApiError(answer.status, status.get("reason", answer.reason or ""), status.get("message", text))
