"""What a rollout applies, server-side: to the serving Deployment, and to the ModelDeployment's annotations.

Each body is all that we own there: what it leaves out and we owned before is given up, and removed where nobody else owns it.
"""

from collections.abc import Mapping
from typing import Any

from modelsafeguard.api import names
from modelsafeguard.core import contract
from modelsafeguard.core.model import Model, ServingState
from modelsafeguard.objects.meta import reference, without_empty


def serving_patch(model: Model, mount_path: str, target: ServingState, resource_version: str) -> dict[str, Any]:
    """Our fields of the serving Deployment as ``target`` has them; one that is None is given up.

    ``mount_path`` is where the container mounts the model's volume: the mount is found by it, and nothing else of it is said.
    ``resource_version`` is the Deployment's that was decided on. With nothing to own, the template is not mentioned at all.
    """
    serving = model.spec.serving
    env = [
        {"name": name, "value": value}
        for name, value in ((contract.MODEL_VERSION, target.version), (contract.MODEL_DIGEST, target.digest))
        if value is not None
    ]
    sub_path = target.sub_path
    mounts = [] if sub_path is None else [{"mountPath": mount_path, "name": serving.model_volume, "subPath": sub_path}]
    fields = without_empty({"env": env, "volumeMounts": mounts})
    annotations = {} if target.annotation is None else {names.ANNOTATION_VERSION: target.annotation}
    template = without_empty(
        {
            "metadata": {"annotations": annotations} if annotations else {},
            "spec": {"containers": [{"name": serving.container, **fields}]} if fields else {},
        }
    )
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": serving.deployment_name, "namespace": model.meta.namespace, "resourceVersion": resource_version},
        **({"spec": {"template": template}} if template else {}),
    }


def metadata_patch(model: Model, annotations: Mapping[str, str]) -> dict[str, Any]:
    """The public copy of the live model's numbers, if its record is still the one that was decided on.

    The uid keeps it off another object that has got the same name since.
    """
    target = reference(names.MODEL_KIND, model.meta)
    return {
        "apiVersion": target["apiVersion"],
        "kind": target["kind"],
        "metadata": {
            "name": model.meta.name,
            "namespace": model.meta.namespace,
            "uid": model.meta.uid,
            "resourceVersion": model.meta.resource_version,
            "annotations": dict(annotations),
        },
    }
