"""Kopf's handlers: each turns an object into keys and queues them. Nothing else happens here, so nothing can be lost here."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import kopf

from modelsafeguard.api.names import API_VERSION, LABEL_MODEL, MODEL_PLURAL, REQUEST_PLURAL
from modelsafeguard.engine.queue import KeyQueue
from modelsafeguard.engine.registry import Key, Registry
from modelsafeguard.engine.settings import configure_kopf

# Credentials are read again this often: a pod's token file is rotated.
_LOGIN_MINUTES = 10


def registered(models: Registry, queue: KeyQueue[Key], news: Callable[[Mapping[str, Any]], bool]) -> kopf.OperatorRegistry:
    """A kopf registry whose handlers feed the queue.

    ``news`` says whether a state of an object is news, and not one that we wrote ourselves. The reconcile that wrote it read the world
    again before it came to rest, and is run again if it failed.
    """
    registry = kopf.OperatorRegistry()
    _register_process(registry)

    def heard(event: Mapping[str, Any], *keys: Key) -> None:
        if news(event["object"]):
            for key in keys:
                queue.add(key)

    @kopf.on.event(API_VERSION, MODEL_PLURAL, registry=registry)
    async def model_event(event: Any, **_: Any) -> None:
        key = models.note(event["object"])
        heard(event, key, *models.neighbours(key))
        if event["type"] == "DELETED":
            models.forget(key)

    @kopf.on.event(API_VERSION, REQUEST_PLURAL, registry=registry)
    async def request_event(event: Any, **_: Any) -> None:
        body = event["object"]
        heard(event, (body["metadata"]["namespace"], body["spec"]["modelDeploymentRef"]["name"]))

    @kopf.on.event("batch/v1", "jobs", labels={LABEL_MODEL: kopf.PRESENT}, registry=registry)
    async def job_event(event: Any, **_: Any) -> None:
        metadata = event["object"]["metadata"]
        heard(event, (metadata["namespace"], metadata["labels"][LABEL_MODEL]))

    @kopf.on.event("apps/v1", "deployments", registry=registry)
    async def deployment_event(event: Any, **_: Any) -> None:
        metadata = event["object"]["metadata"]
        heard(event, *models.serving(metadata["namespace"], metadata["name"]))

    return registry


def _register_process(registry: kopf.OperatorRegistry) -> None:
    @kopf.on.startup(registry=registry)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure_kopf(settings)

    @kopf.on.login(registry=registry)
    async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        info = kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
        return replace(info, expiration=datetime.now(UTC) + timedelta(minutes=_LOGIN_MINUTES)) if info else None
