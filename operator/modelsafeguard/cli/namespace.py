"""Which namespace is meant when none is named: the pod's own, else that of the kubeconfig's context, as kubectl does it."""

from pathlib import Path
from typing import Final

from kubernetes.aio.config import ConfigException, list_kube_config_contexts

IN_POD: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def default_namespace(in_pod: Path = IN_POD) -> str:
    """The namespace that is meant; ``default`` where nobody says."""
    if in_pod.is_file():
        return in_pod.read_text(encoding="utf-8").strip()
    try:
        _, active = list_kube_config_contexts()
    except ConfigException:
        return "default"
    return str(active["context"].get("namespace") or "default")
