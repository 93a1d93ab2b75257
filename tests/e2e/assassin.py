"""Kills the operator as a kernel would: SIGKILL, from a pod that sees the node's processes."""

from hack.demo.kube import Json, Kube
from hack.demo.world import is_true

NAMESPACE = "safeguard-e2e-assassin"
POD = "assassin"

# Every process of the operator that this pod may signal, which is why it runs as the same uid.
KILL = """
import os, pathlib
for folder in pathlib.Path('/proc').glob('[0-9]*'):
    try:
        words = (folder / 'cmdline').read_bytes().split(b'\\0')
        if b'modelsafeguard.engine' in words:
            os.kill(int(folder.name), 9)
            print(folder.name)
    except (FileNotFoundError, ProcessLookupError):
        pass
"""


class Assassin:
    """A pod of the node's process namespace, in a namespace that allows it."""

    def __init__(self, kube: Kube, image: str) -> None:
        self.kube = kube.within(NAMESPACE)
        labels = {"pod-security.kubernetes.io/enforce": "privileged"}
        self.kube.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}])
        self.kube.kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=30s")
        self.kube.apply([_pod(image)])
        self.kube.until("Pod", POD, "Ready", is_true("Ready"), within=60)

    def kill(self) -> int:
        """SIGKILL for every operator on the node; how many there were."""
        return len(self.kube.kubectl("exec", POD, "--", "python", "-c", KILL).split())


def _pod(image: str) -> Json:
    spec = {
        "hostPID": True,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsUser": 65532, "runAsGroup": 65532},
        "containers": [{"name": POD, "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "infinity"]}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD, "namespace": NAMESPACE}, "spec": spec}
