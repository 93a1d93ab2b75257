"""The pod that reads one version's report, made by whoever wants to see it and with that person's own rights."""

from collections.abc import Mapping
from typing import Any, Final

from modelsafeguard.api import names
from modelsafeguard.core import pod
from modelsafeguard.core.model import Model
from modelsafeguard.objects.pods import SCRATCH_PATH, measure_container, mount, pod_spec, store_mount, store_volume, variable

SECONDS: Final = 300  # pulling the image is included
_SCRATCH: Final = "safeguard-measure-tmp"


def report_pod(model: Model, command: str, image: str, variables: Mapping[str, str], *, node: str | None = None) -> dict[str, Any]:
    """Runs one of ``measure``'s commands, with the model's claim mounted read-only."""
    env = [variable(pod.STORE, pod.STORE_PATH), *(variable(name, value) for name, value in variables.items())]
    reader = measure_container(image, command, env, [store_mount(model, read_only=True), mount(_SCRATCH, SCRATCH_PATH)])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{model.meta.name}-report-",
            "namespace": model.meta.namespace,
            "labels": {names.LABEL_APP_NAME: "modelsafeguard", names.LABEL_APP_COMPONENT: "report"},
        },
        "spec": pod_spec(
            model,
            node=node,
            activeDeadlineSeconds=SECONDS,
            containers=[reader],
            volumes=[store_volume(model), {"name": _SCRATCH, "emptyDir": {}}],
        ),
    }
