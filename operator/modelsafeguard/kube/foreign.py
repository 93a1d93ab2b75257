"""Other people's objects, from their JSON to the values that decisions need."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from modelsafeguard.api.names import ANNOTATION_VERSION, FIELD_MANAGER, LABEL_ROLE
from modelsafeguard.core.cluster import Claim, ContainerEnd, Deployment, Job, JobState, Pod
from modelsafeguard.core.contract import MODEL_DIGEST, MODEL_VERSION
from modelsafeguard.core.model import ModelSpec, ServingState

Json = Mapping[str, Any]

# Reasons for waiting that every pod passes through.
_ON_ITS_WAY = {"ContainerCreating", "PodInitializing"}

# A manifest's manager of before server-side apply; it declares fields just as an Apply does.
_CLIENT_SIDE_APPLY = "kubectl-client-side-apply"


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _condition(conditions: list[Json], kind: str, status: str = "True") -> Json | None:
    return next((each for each in conditions if each["type"] == kind and each["status"] == status), None)


def _controller_uid(body: Json) -> str:
    return next((str(owner["uid"]) for owner in body["metadata"].get("ownerReferences", []) if owner.get("controller")), "")


def controlled_by(body: Json, uids: Collection[str]) -> bool:
    """Whether the object's controller is one of these."""
    return _controller_uid(body) in uids


def job_of(body: Json) -> Job:
    """A batch/v1 Job."""
    metadata, conditions = body["metadata"], body.get("status", {}).get("conditions", [])
    complete, failed = _condition(conditions, "Complete"), _condition(conditions, "Failed")
    end = complete or failed or {}
    return Job(
        name=metadata["name"],
        uid=metadata["uid"],
        # Anybody who may create a Job can write owner references; only we can put the label on one (manifests/admission/results.yaml).
        owner_uid=_controller_uid(body) if LABEL_ROLE in metadata.get("labels", {}) else "",
        state=JobState.COMPLETE if complete else JobState.FAILED if failed else JobState.ACTIVE,
        reason=end.get("reason", ""),
        message=end.get("message", ""),
        deleting="deletionTimestamp" in metadata,
    )


def pod_of(body: Json) -> Pod:
    """A v1 Pod."""
    metadata, status = body["metadata"], body.get("status", {})
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    ready = _condition(status.get("conditions", []), "Ready")
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        ready=ready is not None,
        ready_since=_time(ready.get("lastTransitionTime")) if ready else None,
        restarts=sum(container.get("restartCount", 0) for container in containers),
        deleting="deletionTimestamp" in metadata,
        version=metadata.get("annotations", {}).get(ANNOTATION_VERSION),
        trouble=_trouble(status, containers),
        started=any("running" in container.get("state", {}) or "terminated" in container.get("state", {}) for container in containers),
        ends=tuple(_ends(containers)),
    )


def _trouble(status: Json, containers: list[Json]) -> str:
    """The pod's own reason for not running, as the person who debugs it would find it with ``kubectl describe``."""
    for container in containers:
        state = container.get("state", {})
        waiting, last = state.get("waiting", {}), container.get("lastState", {}).get("terminated", {})
        if waiting.get("reason") and waiting["reason"] not in _ON_ITS_WAY:
            return _sentence(waiting["reason"], waiting.get("message") or last.get("message") or last.get("reason", ""))
    unscheduled = _condition(status.get("conditions", []), "PodScheduled", "False")
    if unscheduled:
        return _sentence(unscheduled.get("reason", "Unschedulable"), unscheduled.get("message", ""))
    if status.get("phase") == "Failed" and status.get("reason"):
        return _sentence(status["reason"], status.get("message", ""))
    return ""


def _sentence(reason: str, message: str) -> str:
    return f"{reason}: {' '.join(message.split())}"[:500] if message else reason


def _ends(containers: list[Json]) -> Iterator[ContainerEnd]:
    for container in containers:
        if end := container.get("state", {}).get("terminated"):
            yield ContainerEnd(container["name"], end.get("exitCode", -1), end.get("reason", ""), end.get("message", ""))


def claim_of(body: Json) -> Claim:
    """A v1 PersistentVolumeClaim."""
    return Claim(body["metadata"]["name"], body.get("status", {}).get("phase", ""), tuple(body["spec"].get("accessModes", ())))


def deployment_of(body: Json, spec: ModelSpec) -> Deployment:
    """An apps/v1 Deployment, seen through a model's ``spec.serving``."""
    metadata, status = body["metadata"], body.get("status", {})
    template = body["spec"]["template"]
    container = next((each for each in template["spec"]["containers"] if each["name"] == spec.serving.container), None)
    mounts = [each for each in (container or {}).get("volumeMounts", []) if each["name"] == spec.serving.model_volume]
    mount_path = mounts[0]["mountPath"] if mounts else ""
    stalled = _condition(status.get("conditions", []), "Progressing", "False")
    return Deployment(
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata["generation"],
        observed_generation=status.get("observedGeneration", 0),
        paused=body["spec"].get("paused", False),
        replicas=body["spec"].get("replicas", 1),
        current_replicas=status.get("replicas", 0),
        updated_replicas=status.get("updatedReplicas", 0),
        available_replicas=status.get("availableReplicas", 0),
        serving=_serving(template, container, mounts),
        mount_path=mount_path,
        selector=_selector(body["spec"]["selector"]),
        problem=_problem(metadata["name"], template, container, mounts, spec),
        other_managers=_other_managers(metadata.get("managedFields", []), spec.serving.container, mount_path),
        stalled_at=_time(stalled.get("lastUpdateTime")) if stalled and stalled.get("reason") == "ProgressDeadlineExceeded" else None,
        deleting="deletionTimestamp" in metadata,
    )


def _serving(template: Json, container: Json | None, mounts: list[Json]) -> ServingState:
    values = {each["name"]: each.get("value", "") for each in (container or {}).get("env", [])}
    return ServingState(
        sub_path=mounts[0].get("subPath") if mounts else None,
        version=values.get(MODEL_VERSION),
        digest=values.get(MODEL_DIGEST),
        annotation=template.get("metadata", {}).get("annotations", {}).get(ANNOTATION_VERSION),
    )


def _problem(name: str, template: Json, container: Json | None, mounts: list[Json], spec: ModelSpec) -> str:
    serving, claim = spec.serving, spec.storage.claim_name
    if container is None:
        return f"Deployment {name} has no container named {serving.container}; correct spec.serving.container"
    volume = next((each for each in template["spec"].get("volumes", []) if each["name"] == serving.model_volume), None)
    if volume is None or volume.get("persistentVolumeClaim", {}).get("claimName") != claim:
        return f"Deployment {name} has no volume named {serving.model_volume} on claim {claim}; add it, or correct spec.serving.modelVolume"
    if len(mounts) != 1:
        return f"container {serving.container} of Deployment {name} mounts volume {serving.model_volume} {len(mounts)} times; mount it once"
    if "subPathExpr" in mounts[0]:
        return f"container {serving.container} of Deployment {name} mounts volume {serving.model_volume} with a subPathExpr; remove it"
    if any("valueFrom" in each for each in container.get("env", []) if each["name"] in (MODEL_VERSION, MODEL_DIGEST)):
        both = f"{MODEL_VERSION} or {MODEL_DIGEST}"
        return f"container {serving.container} of Deployment {name} takes {both} from elsewhere (valueFrom); remove it"
    return ""


def _selector(selector: Json) -> str:
    """A label selector as the API's query string wants it."""
    terms = [f"{key}={value}" for key, value in selector.get("matchLabels", {}).items()]
    for expression in selector.get("matchExpressions", []):
        key, operator, values = expression["key"], expression["operator"], ",".join(expression.get("values", []))
        terms.append({"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}"}[operator])
    return ",".join(terms)


def _other_managers(entries: list[Json], container: str, mount_path: str) -> tuple[str, ...]:
    """Whose manifests set the fields that a rollout sets.

    A manifest wins its fields back at every sync, so such a field is never taken. A field that was changed by hand (an Update:
    ``kubectl set env``, ``rollout undo``) after we had set it is drift, which is seen by its value. Before that only what was made
    by hand is let pass (``kubectl create``, ``edit``): an Update of another program may come from a manifest too (Helm, Terraform).
    """
    ours = any(entry.get("manager") == FIELD_MANAGER for entry in entries)
    return tuple(
        sorted(
            {
                entry.get("manager") or "a nameless manager"
                for entry in entries
                if entry.get("manager") != FIELD_MANAGER
                and (_is_manifest(entry) or not (ours or entry.get("manager", "").startswith("kubectl-")))
                and _owns(entry.get("fieldsV1", {}), container, mount_path)
            }
        )
    )


def _is_manifest(entry: Json) -> bool:
    return bool(entry["operation"] == "Apply" or entry.get("manager") == _CLIENT_SIDE_APPLY)


def _owns(fields: Json, container: str, mount_path: str) -> bool:
    template = fields.get("f:spec", {}).get("f:template", {})
    owned = template.get("f:spec", {}).get("f:containers", {}).get(f'k:{{"name":"{container}"}}', {})
    mount = owned.get("f:volumeMounts", {}).get(f'k:{{"mountPath":"{mount_path}"}}', {})
    variables = owned.get("f:env", {})
    return (
        "f:subPath" in mount
        or any(f'k:{{"name":"{name}"}}' in variables for name in (MODEL_VERSION, MODEL_DIGEST))
        or f"f:{ANNOTATION_VERSION}" in template.get("f:metadata", {}).get("f:annotations", {})
    )
