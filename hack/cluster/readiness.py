"""When a cluster is ready, decided from what its API says.

`kubectl wait` would believe conditions that a node wrote down before it was stopped; here a container counts only if it was started
since the node was.
"""

from collections.abc import Iterable, Mapping
from typing import Any

SYSTEM_NAMESPACES = ("kube-system", "local-path-storage")

Object = Mapping[str, Any]  # an object as the API gives it


def not_ready(objects: Iterable[Object], started: str) -> list[str]:
    """Name what is still missing, one phrase each; nothing missing is an empty list.

    `objects` are the nodes, and the deployments and pods of the system namespaces. `started` is when the node was started, in
    RFC 3339 with whole seconds and Z, as the API writes times.
    """
    missing = []
    kinds = set()
    for body in objects:
        kind, name = body["kind"], body["metadata"]["name"]
        kinds.add(kind)
        if not READY[kind](body, started):
            missing.append(f"{kind.lower()} {name}")
    return missing + [f"any {kind.lower()}" for kind in READY if kind not in kinds]


def _node(body: Object, _: str) -> bool:
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in body["status"].get("conditions", []))


def _deployment(body: Object, _: str) -> bool:
    status = body.get("status", {})
    observed = status.get("observedGeneration", 0) >= body["metadata"]["generation"]
    return bool(observed and status.get("availableReplicas", 0) >= body["spec"]["replicas"])


def _pod(body: Object, started: str) -> bool:
    if body["metadata"].get("deletionTimestamp") or body["status"].get("phase") == "Succeeded":
        return True
    containers = body["status"].get("containerStatuses", [])
    return bool(containers) and all(
        container["ready"] and container["state"].get("running", {}).get("startedAt", "") >= started for container in containers
    )


READY = {"Node": _node, "Deployment": _deployment, "Pod": _pod}
