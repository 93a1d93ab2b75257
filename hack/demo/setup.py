"""From nothing to a cluster with the operator on it, by the cluster tool and the repository's own manifests."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hack.cluster.places import REPOSITORY
from hack.cluster.progress import ClusterError
from hack.demo.kube import Kube
from hack.demo.manifests import INSTALL, rendered

IMAGES: Final = ("operator", "measure", "trainer")
OPERATOR_NAMESPACE: Final = "modelsafeguard"
OPERATOR: Final = "modelsafeguard-operator"


def cluster_tool(*arguments: str) -> list[str]:
    """Run the cluster tool, which tells its own progress, and give the lines that it answers with.

    Raises:
        ClusterError: it failed, and has said why.
    """
    command = [sys.executable, "-m", "hack.cluster", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"`hack/cluster {' '.join(arguments)}` did not succeed; the reason stands above.")
    return done.stdout.split()


def cluster(name: str) -> Kube:
    """The cluster of this name, brought up if need be; only one that the tool itself made."""
    kubeconfig = Path(cluster_tool("up", "--name", name)[-1])
    return Kube(kubeconfig, Path(cluster_tool("kubectl")[-1]), OPERATOR_NAMESPACE)


def images(name: str) -> Mapping[str, str]:
    """The three images, built and loaded into the cluster: the name in the manifests, and the one in the cluster, by digest."""
    references = cluster_tool("load", "--name", name, *cluster_tool("build-image", *IMAGES))
    return {f"modelsafeguard/{target}": reference for target, reference in zip(IMAGES, references, strict=True)}


def install(kube: Kube, built: Mapping[str, str]) -> None:
    """The kinds, the admission policies and the operator, for the whole cluster; waits until the operator is there."""
    objects = rendered(kube, INSTALL, built)
    first = [body for body in objects if body["kind"] in {"Namespace", "CustomResourceDefinition"}]
    kube.apply(first)
    kube.kubectl("wait", "--for=condition=Established", "crd", "--selector=app.kubernetes.io/name=modelsafeguard", "--timeout=60s")
    kube.apply([body for body in objects if body not in first])
    kube.kubectl("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", timeout=130)
