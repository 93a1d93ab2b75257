"""Images in a cluster's node, and how pods refer to them.

An engine without a registry cannot give an image a repository digest. The node's containerd computes one when it imports the image; the
image is given that name too, so that `owner/image@sha256:…` runs without anything being pulled.
"""

import subprocess
from pathlib import Path

from hack.cluster.cluster import Cluster
from hack.cluster.progress import ClusterError, step, tail

CTR = ("ctr", "--namespace", "k8s.io", "images")
LABEL = "model-safeguard.id"  # on an image in the node: the engine's digest of it
COPY_SECONDS = 600


def listed_digest(listing: str, name: str) -> tuple[str, str] | None:
    """Find an image in what `ctr images ls` printed: its full name in the node and its digest; None if it is not there.

    The node completes a short name with its default registry, so `owner/image:tag` is looked for at the end of the full one.
    """
    for line in listing.splitlines():
        full, *rest = line.split()
        digest = next((word for word in rest if word.startswith("sha256:")), None)
        if digest and (full == name or full.endswith(f"/{name}")):
            return full, digest
    return None


def load(cluster: Cluster, name: str, log: Path) -> str:
    """Bring an image into the cluster's node; gives the reference by digest that a pod can use.

    Raises:
        ClusterError: the engine has no such image, or the node does not take it.
    """
    identity = cluster.engine.ask("image", "inspect", "--format", "{{.Id}}", name)
    if identity is None:
        raise ClusterError(f"The engine has no image {name}; build it first (build-image).")
    present = listed_digest(_list(cluster, f'labels."{LABEL}"=={identity}'), name)
    if present is None:
        with step(f"loading {name} into cluster {cluster.name}", 6):
            _copy(cluster, name, log)
        present = listed_digest(_list(cluster), name)
    if present is None:
        raise ClusterError(f"The node of cluster {cluster.name} did not take {name}; see {log}.")
    full, digest = present
    for command in (("tag", "--force", full, f"{full.rpartition(':')[0]}@{digest}"), ("label", full, f"{LABEL}={identity}")):
        if cluster.run_in_node(*CTR, *command) is None:
            raise ClusterError(f"The node of cluster {cluster.name} refuses `ctr images {' '.join(command)}`.")
    return f"{name.rpartition(':')[0]}@{digest}"


def _list(cluster: Cluster, *filters: str) -> str:
    return cluster.run_in_node(*CTR, "ls", *filters) or ""


def _copy(cluster: Cluster, name: str, log: Path) -> None:
    """Stream the image from the engine into the node's containerd."""
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = cluster.engine.environment
    take = ["docker", "exec", "--interactive", cluster.node, *CTR, "import", "--all-platforms", "-"]
    with log.open("ab") as output:
        start = output.tell()
        with subprocess.Popen(["docker", "save", name], env=environment, stdout=subprocess.PIPE, stderr=output) as save:
            taken = subprocess.run(
                take, env=environment, stdin=save.stdout, stdout=output, stderr=output, check=False, timeout=COPY_SECONDS
            )
            if save.stdout:
                save.stdout.close()  # if the node stopped reading, the engine must not wait for it
        if save.returncode or taken.returncode:
            raise ClusterError(f"{name} could not be copied into cluster {cluster.name}:\n{tail(log, start)}")
