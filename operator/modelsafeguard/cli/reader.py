"""A short-lived pod of the ``measure`` image that reads a model's claim, with the rights of whoever asks: pods and their logs."""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from modelsafeguard.api.names import LABEL_MODEL, LABEL_ROLE, MODEL_KIND
from modelsafeguard.cli.errors import UsageError
from modelsafeguard.cli.models import read_model
from modelsafeguard.cli.namespace import default_namespace
from modelsafeguard.core import contract, pod
from modelsafeguard.core.errors import HandoverError
from modelsafeguard.core.handover import decode
from modelsafeguard.core.lifecycle.step import JobRole
from modelsafeguard.core.model import Model
from modelsafeguard.core.report import is_version
from modelsafeguard.kube.client import Api, Json, connect
from modelsafeguard.kube.foreign import claim_of, deployment_of, pod_of
from modelsafeguard.kube.observe import node_in_use
from modelsafeguard.kube.paths import collection, item
from modelsafeguard.objects.report_pod import SECONDS, report_pod

_POLL_SECONDS: Final = 0.5


class NotRead(Exception):  # noqa: N818 - an answer, not a fault
    """Why the pod gave no answer, as the end of a sentence."""


@dataclass(frozen=True)
class Read:
    """What the pod handed over, and what it wrote to its log."""

    payload: Mapping[str, Any]
    log: bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What every verb that reads a claim asks for."""
    parser.add_argument("model", help="the ModelDeployment")
    parser.add_argument("version", help="one of its versions, as in status.versions of the ModelDeployment")
    parser.add_argument("--image", help="the measure image (default: that of the model's latest training Job)")
    parser.add_argument("--namespace", help="where the model is (default: the pod's own namespace, or the kubeconfig's)")


async def read(given: argparse.Namespace, command: str, *, log_bytes: int, **variables: str) -> Read:
    """Run one of ``measure``'s commands on a version; raises ``NotRead``, ``UsageError``, ``KubernetesError``, ``ConfigException``."""
    if not is_version(given.version):
        raise UsageError(f"{given.version!r} cannot be a version: kubectl describe mdep/{given.model} lists them.")
    api = await connect()
    try:
        model = await read_model(api, given.namespace or default_namespace(), given.model)
        image = given.image or await _image(api, model)
        manifest = report_pod(model, command, image, {contract.VERSION: given.version, **variables}, node=await _node(api, model))
        return await _answer(api, manifest, log_bytes)
    finally:
        await api.close()


async def _image(api: Api, model: Model) -> str:
    """The operator names the image; its latest training Job has it."""
    selector = f"{LABEL_MODEL}={model.meta.name},{LABEL_ROLE}={JobRole.TRAIN}"
    jobs = [body async for body in api.items(collection("jobs", model.meta.namespace), labelSelector=selector)]
    if not jobs:
        raise UsageError(
            f"{MODEL_KIND} {model.meta.name} has no training Job left to take the measure image from: name it with --image; "
            "it is the variable SAFEGUARD_MEASURE_IMAGE of the operator's Deployment."
        )
    latest = max(jobs, key=lambda body: str(body["metadata"]["creationTimestamp"]))
    containers = latest["spec"]["template"]["spec"]["containers"]
    return str(next(each["image"] for each in containers if each["name"] == pod.MEASURE_CONTAINER))


async def _node(api: Api, model: Model) -> str | None:
    namespace, spec = model.meta.namespace, model.spec
    claim = await api.get(item("persistentvolumeclaims", namespace, spec.storage.claim_name))
    deployment = await api.get(item("deployments", namespace, spec.serving.deployment_name))
    return await node_in_use(api, namespace, claim_of(claim) if claim else None, deployment_of(deployment, spec) if deployment else None)


async def _answer(api: Api, manifest: Json, log_bytes: int) -> Read:
    metadata = (await api.create(collection("pods", manifest["metadata"]["namespace"]), manifest))["metadata"]
    path = item("pods", metadata["namespace"], metadata["name"])
    try:
        payload = _payload(await _ended(api, path))
        return Read(payload, await api.log(path, most=log_bytes) if log_bytes else b"")
    finally:
        await api.delete(path, {"uid": metadata["uid"]})


async def _ended(api: Api, path: str) -> str:
    """The pod's termination message, once it is over. It has a deadline of its own, after which it is waited for a little more."""
    trouble = ""
    for _ in range(int((SECONDS + 60) / _POLL_SECONDS)):
        body = await api.get(path)
        if body is None:
            raise NotRead("its pod was deleted by somebody else")
        seen = pod_of(body)
        messages = [end.message for end in seen.ends if end.name == pod.MEASURE_CONTAINER]
        if messages:
            return messages[0]
        trouble = seen.trouble or "it has not ended"
        if body.get("status", {}).get("phase") == "Failed":
            break
        await asyncio.sleep(_POLL_SECONDS)
    raise NotRead(f"pod {path.rsplit('/', 1)[1]} gave no answer ({trouble})")


def _payload(message: str) -> Mapping[str, Any]:
    try:
        payload = decode(message)
    except HandoverError as error:
        raise NotRead(str(error)) from error
    if "failed" in payload:
        raise NotRead(str(payload["failed"].get("message", "it does not say why")))
    return payload
