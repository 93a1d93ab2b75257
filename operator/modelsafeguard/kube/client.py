"""One thin client over the official package's asyncio side: raw JSON in and out, always with content type and time-outs.

The package's own defaults are a time-out of 300 s and a guessed patch type, hence nothing is left to defaults here. Nothing is
retried here either: the reconciler reads again and decides again.
"""

import json
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from modelsafeguard.api.names import FIELD_MANAGER
from modelsafeguard.kube.errors import AlreadyExists, Conflict, Expired, Invalid, KubernetesError, NotFound, Refused, Unavailable

Json = dict[str, Any]

_TIMEOUT: Final = aiohttp.ClientTimeout(total=15, connect=5)
_PAGE: Final = 100
_JSON: Final = "application/json"
_MERGE_PATCH: Final = "application/merge-patch+json"
_APPLY_PATCH: Final = "application/apply-patch+yaml"
_CONNECTIONS: Final = 64
_KEPT_REPLIES: Final = 1024


class Api:
    """The verbs that the operator uses. All raise ``KubernetesError``; ``get`` answers None where nothing is."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._replies: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._newest: dict[str, int] = {}

    def news(self, body: Mapping[str, Any]) -> bool:
        """Take notice of an object that an event brought; False if this very state of it was the reply to one of our latest writes."""
        self._met(body)
        return _state(body) not in self._replies

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def get(self, path: str) -> Json | None:
        """Read one object as it is now."""
        try:
            return await self._call("GET", path)
        except NotFound:
            return None

    async def items(self, path: str, *, known: str = "", **query: str) -> AsyncIterator[Json]:
        """Read a list in pages, as it is now. ``query`` holds ``fieldSelector``, ``labelSelector``.

        ``known`` is its kind where a list will do that is as new as all that this process has met of the kind, in events and in replies.
        The API server has that at hand. For the newest it waits up to 0.1 s until its cache has caught up with all of etcd (measured:
        1.6 ms instead of 79 ms).
        """
        query["limit"] = str(_PAGE)
        more = self._since(known)
        while True:
            page = await self._page(path, {**query, **more})
            for item in page["items"]:
                yield item
            more = {"continue": page["metadata"].get("continue", "")}
            if not more["continue"]:
                return

    async def log(self, path: str, *, most: int) -> bytes:
        """The log of a pod that has one container, its first ``most`` bytes."""
        return await self._send("GET", f"{path}/log", query={"limitBytes": str(most)})

    async def create(self, path: str, body: Json) -> Json:
        """Create an object; raises ``AlreadyExists``."""
        return self._noted(await self._call("POST", path, body=body, query={"fieldManager": FIELD_MANAGER}))

    async def replace(self, path: str, body: Json) -> Json:
        """Replace an object, if it still has the body's resourceVersion; raises ``Conflict``, ``NotFound``."""
        return self._noted(await self._call("PUT", path, body=body, query={"fieldManager": FIELD_MANAGER}))

    async def apply(self, path: str, body: Json) -> Json:
        """Server-side apply of our own fields; the body's resourceVersion, where there is one, must still be the object's.

        It takes the fields over from other managers: who may be overruled was decided before.
        """
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self._noted(await self._call("PATCH", path, body=body, content_type=_APPLY_PATCH, query=query))

    async def merge(self, path: str, body: Json) -> Json:
        """JSON merge patch."""
        return self._noted(await self._call("PATCH", path, body=body, content_type=_MERGE_PATCH, query={"fieldManager": FIELD_MANAGER}))

    async def delete(self, path: str, preconditions: Mapping[str, str]) -> None:
        """Delete the object that has this uid (and resourceVersion), in the background; that it is gone already is success."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", "preconditions": dict(preconditions)}
        try:
            await self._call("DELETE", path, body=body)
        except NotFound:
            return

    async def _page(self, path: str, query: Mapping[str, str]) -> Json:
        """One page of a list. Where the state that the list began with is forgotten, the rest is read as it is now.

        So an object that came, went or changed since may be missing, or be listed as it was: as in any list that is used a moment later.
        """
        try:
            return await self._call("GET", path, query=query)
        except Expired as error:
            if not error.rest:
                raise
            return await self._call("GET", path, query={**query, "continue": error.rest})
        except Unavailable:
            self._newest.clear()  # a server that was restored from a backup has not come as far as we have: ask it for its newest
            raise

    def _since(self, kind: str) -> dict[str, str]:
        newest = self._newest.get(kind)
        return {"resourceVersion": str(newest), "resourceVersionMatch": "NotOlderThan"} if newest else {}

    def _met(self, body: Mapping[str, Any]) -> None:
        """Versions of one kind can be compared as numbers (KEP-5504)."""
        kind, version = body["kind"], body["metadata"]["resourceVersion"]
        if version.isdecimal():
            self._newest[kind] = max(self._newest.get(kind, 0), int(version))

    def _noted(self, reply: Json) -> Json:
        self._met(reply)
        self._replies[_state(reply)] = None
        if len(self._replies) > _KEPT_REPLIES:
            self._replies.popitem(last=False)
        return reply

    async def _call(
        self, method: str, path: str, *, body: Json | None = None, content_type: str = _JSON, query: Mapping[str, str] | None = None
    ) -> Json:
        text = await self._send(method, path, body=body, content_type=content_type, query=query)
        try:
            answer: Json = json.loads(text)
        except ValueError as error:
            raise Unavailable(f"{method} {path}: there was an answer, but it is not the API server's ({error})") from error
        return answer

    async def _send(
        self, method: str, path: str, *, body: Json | None = None, content_type: str = _JSON, query: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of an answer that is one; whatever else came of it is raised."""
        headers = {"Accept": _JSON, "Content-Type": content_type, "User-Agent": self._client.user_agent}
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = self._client.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        try:
            response = await self._client.call_api(method, url, headers, body, _request_timeout=_TIMEOUT)
            text: bytes = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"{method} {path}: no answer from the API server ({type(error).__name__} {error})") from error
        if 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's own classes
            return text
        raise _error(f"{method} {path}", response.status, text, response.headers.get("Retry-After"))


def _state(body: Mapping[str, Any]) -> tuple[str, str]:
    """An object as it was at one moment."""
    metadata = body["metadata"]
    return metadata["uid"], metadata["resourceVersion"]


def _error(call: str, status: int, text: bytes, retry_after: str | None) -> KubernetesError:
    try:
        answer = json.loads(text)
        reason, message, rest = answer.get("reason", ""), answer.get("message", ""), answer.get("metadata", {}).get("continue", "")
    except (ValueError, AttributeError):
        reason, message, rest = "", text[:200].decode(errors="replace"), ""
    sentence = f"{call}: {status} {reason} {message}".strip()
    wait = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
    kind: type[KubernetesError]
    match status:
        case 404:
            kind = NotFound
        case 409:
            kind = AlreadyExists if reason == "AlreadyExists" else Conflict
        case 410:
            return Expired(sentence, rest=rest)
        case 422:
            kind = Invalid
        case 429:
            kind = Unavailable
        case _ if status >= 500:  # noqa: PLR2004 - HTTP's own classes
            kind = Unavailable
        case _:
            kind = Refused
    return kind(sentence, retry_after=wait)


async def connect() -> Api:
    """A client with the pod's own service account, or with the kubeconfig that ``KUBECONFIG`` names.

    Raises:
        KubernetesError: neither is there, or it cannot be read.
    """
    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)
    except Exception:  # noqa: BLE001 - whatever is missing in the pod, a kubeconfig is the other way
        try:
            # Left to the package, the variable is read when it is imported.
            await load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=configuration)
        except ConfigException as error:
            raise KubernetesError(f"There is no cluster to talk to ({error}): run this in a pod, or set KUBECONFIG.") from error
    configuration.connection_pool_maxsize = _CONNECTIONS
    configuration.retries = None
    # Left to aiohttp (trust_env), this is asked anew for each call, in another thread.
    configuration.proxy = configuration.proxy or _proxy(configuration.host)
    configuration.client_session_kwargs = {"trust_env": False}
    return Api(ApiClient(configuration))


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for this URL; None where there is none, or where NO_PROXY excepts its host."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
