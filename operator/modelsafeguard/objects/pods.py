"""The parts of our Jobs' pods, as the ``restricted`` Pod Security Standard wants them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from modelsafeguard.core.model import Model
from modelsafeguard.core.pod import DATA_PATH, MEASURE_CONTAINER, STORE_PATH
from modelsafeguard.objects.meta import without_empty

STORE_VOLUME: Final = "safeguard-store"
DATA_VOLUME: Final = "safeguard-data"
SCRATCH_PATH: Final = "/tmp"  # noqa: S108 - an emptyDir of the pod: the root file system is read-only

# Shared by the trainer and measure: what one wrote, the other can read, move and make read-only.
USER: Final = 65532

POD_SECURITY: Final[Mapping[str, Any]] = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "fsGroupChangePolicy": "OnRootMismatch",  # a claim with many versions is not walked at every start
    "seccompProfile": {"type": "RuntimeDefault"},
}

CONTAINER_SECURITY: Final[Mapping[str, Any]] = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}

MEASURE_RESOURCES: Final[Mapping[str, Any]] = {
    "requests": {"cpu": "100m", "memory": "256Mi"},
    "limits": {"cpu": "1", "memory": "1Gi"},
}


def pod_spec(model: Model, *, node: str | None, **fields: Any) -> dict[str, Any]:
    """A pod that runs once, is nobody and holds no token; ``fields`` are added, empty ones left out.

    ``node`` is where a ReadWriteOnce claim is in use already: the pod must run there too. Tolerations and pull secrets are the
    owner's in every pod, since a claim may be tied to tainted nodes, and a registry to a secret.
    """
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": dict(POD_SECURITY),
        "imagePullSecrets": list(model.spec.trainer.image_pull_secrets),
        "tolerations": list(model.spec.trainer.tolerations),
        **fields,
    }
    if node:
        spec["affinity"] = on_node(fields.get("affinity", {}), node)
    return without_empty(spec)


def measure_container(
    image: str, command: str, env: Iterable[Mapping[str, Any]], mounts: Iterable[Mapping[str, Any]], *, name: str = MEASURE_CONTAINER
) -> dict[str, Any]:
    """Our own container. It reports by its termination message, and its log never stands in for one."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "modelsafeguard.measure", command],
        "env": list(env),
        "resources": dict(MEASURE_RESOURCES),
        "securityContext": dict(CONTAINER_SECURITY),
        "terminationMessagePolicy": "File",
        "volumeMounts": list(mounts),
    }


def variable(name: str, value: str) -> dict[str, Any]:
    """An environment variable with just this value: kubelet would put other variables' values in the place of ``$(NAME)``."""
    return {"name": name, "value": value.replace("$", "$$")}


def variable_from_pod(name: str, field: str) -> dict[str, Any]:
    """An environment variable whose value is a field of the pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": field}}}


def store_mount(model: Model, *, read_only: bool = False) -> dict[str, Any]:
    """The model's folder on its claim."""
    return mount(STORE_VOLUME, STORE_PATH, read_only=read_only, subPath=model.spec.storage.path)


def data_mounts(model: Model) -> list[dict[str, Any]]:
    """The data set, where the model has one."""
    data = model.spec.data
    return [mount(DATA_VOLUME, DATA_PATH, read_only=True, subPath=data.path)] if data else []


def mount(volume: str, path: str, *, read_only: bool = False, **fields: str) -> dict[str, Any]:
    """A volume mount; ``fields`` are ``subPath`` or ``subPathExpr``."""
    return without_empty({"name": volume, "mountPath": path, **fields}) | ({"readOnly": True} if read_only else {})


def store_volume(model: Model) -> dict[str, Any]:
    """The claim that holds the versions. Read-only is said by mounts: one claim may hold the data and the versions."""
    return {"name": STORE_VOLUME, "persistentVolumeClaim": {"claimName": model.spec.storage.claim_name}}


def data_volumes(model: Model) -> list[dict[str, Any]]:
    """The claim that holds the data set, where the model has one."""
    data = model.spec.data
    return [{"name": DATA_VOLUME, "persistentVolumeClaim": {"claimName": data.claim_name}}] if data else []


def on_node(affinity: Mapping[str, Any], node: str) -> dict[str, Any]:
    """``affinity``, and this node only.

    By the node's name, since the label kubernetes.io/hostname may differ from it. Terms are alternatives: each one gets it.
    """
    only = {"key": "metadata.name", "operator": "In", "values": [node]}
    wanted = affinity.get("nodeAffinity") or {}
    terms = (wanted.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or [{}]
    pinned = [{**term, "matchFields": [*(term.get("matchFields") or []), only]} for term in terms]
    return {**affinity, "nodeAffinity": {**wanted, "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": pinned}}}
