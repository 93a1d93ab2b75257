"""Storage for pods that are not root: the class `standard`, on the node's disk, for ReadWriteOnce and ReadWriteMany claims.

It is local-path-provisioner, the one that kind's own node images bring: offline it is built from its Go module and put into the node
image (`node/storage.yaml`), so that a cluster behaves alike wherever it was made. Each claim gets a folder of mode 0777 below
/var/local-path-provisioner in the node, which is a volume of the engine and so on a real disk; any uid can write it, although
Kubernetes applies no fsGroup to such folders. Static volumes were the alternative: they would have to be counted beforehand and
emptied by hand after use, where tests make a claim in every namespace.

What has to be done in a running cluster is one setting: kind's own image refuses ReadWriteMany until it is told that the path is
shared, which it is, on one node.
"""

import json

from hack.cluster.cluster import Cluster
from hack.cluster.progress import ClusterError, step

CLASS = "standard"
NAMESPACE = "local-path-storage"
SETTINGS = {"sharedFileSystemPath": "/var/local-path-provisioner"}


def ensure(cluster: Cluster) -> None:
    """Make ReadWriteMany claims possible, if they are not.

    Raises:
        ClusterError: the cluster has no such provisioner, or it does not come back with the new setting.
    """
    found = cluster.kubectl("get", "configmap", "local-path-config", f"--namespace={NAMESPACE}", "--output=json")
    if found is None:
        raise ClusterError(f"Cluster {cluster.name} has no local-path-provisioner, which its node image should have brought; make it anew.")
    if json.loads(json.loads(found)["data"]["config.json"]) == SETTINGS:
        return
    patch = json.dumps({"data": {"config.json": json.dumps(SETTINGS)}})
    with step("allowing ReadWriteMany claims", 10):
        for command in (
            ("patch", "configmap", "local-path-config", f"--patch={patch}"),
            ("rollout", "restart", "deployment/local-path-provisioner"),
            ("rollout", "status", "deployment/local-path-provisioner", "--timeout=90s"),
        ):
            if cluster.kubectl(f"--namespace={NAMESPACE}", *command, timeout=100) is None:
                raise ClusterError(f"Cluster {cluster.name} refuses `kubectl {' '.join(command)}` in namespace {NAMESPACE}.")
