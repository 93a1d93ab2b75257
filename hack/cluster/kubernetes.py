"""The Kubernetes programs: built once, used by the node image and, without any node, by the integration tests."""

import json
import shutil
from pathlib import Path

from hack.cluster.cache import Cache
from hack.cluster.golang import Go, Recipe, version_of
from hack.cluster.progress import ask

NAME = "kubernetes"  # of the folder with the module, and so of the cache's entries

PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubeadm", "kubectl", "kubelet")
VERSION_PACKAGE = "k8s.io/component-base/version"
BUILD_DATE = "2026-01-01T00:00:00Z"  # fixed: the same sources are the same programs


def version() -> str:
    """Kubernetes' version, such as `v1.36.3`."""
    return version_of(NAME, "k8s.io/kubernetes")


def version_flags(release: str) -> str:
    """Linker flags that tell the programs their version; kubeadm refuses to work without."""
    major, minor, _ = release.removeprefix("v").split(".", 2)
    facts = {
        "gitVersion": release,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "buildDate": BUILD_DATE,
    }
    return " ".join(f"-X {VERSION_PACKAGE}.{name}={value}" for name, value in facts.items())


def binaries(go: Go) -> Path:
    """Give the folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubeadm, kubectl and kubelet.

    CoreDNS and the storage provisioner share the module, and with it most of what has to be compiled: in modules of their own they
    took 170 s more on two cores. Kubernetes keeps the dependencies that it was released with (the module's `replace` lines).
    """
    return go.programs(
        Recipe(
            folder=NAME,
            packages=(
                ("go.etcd.io/etcd/server/v3", "./coredns", *(f"k8s.io/kubernetes/cmd/{program}" for program in PROGRAMS)),
                ("github.com/rancher/local-path-provisioner",),  # apart: it names a package that differs from another by a capital letter
            ),
            expected=320,
            ldflags=version_flags(version()),
            renamed={"server": "etcd"},
        )
    )


def kubectl(go: Go) -> Path:
    """Give a kubectl: one that was built here with this Kubernetes, else the one on PATH, else it is built now.

    The one on PATH comes second, because it may be of any version; it is asked for where no node image had to be made.
    """
    return present_kubectl(go.cache) or binaries(go) / "kubectl"


def present_kubectl(cache: Cache) -> Path | None:
    """Give the kubectl that would be used without building one; None if there is none."""
    for folder in cache.finished(NAME):
        if _client_version(folder / "kubectl") == version():
            return folder / "kubectl"
    found = shutil.which("kubectl")
    return Path(found) if found else None


def _client_version(program: Path) -> str | None:
    """What a kubectl says its version is; None if it does not run."""
    said = ask([program, "version", "--client", "--output=json"])
    try:
        return str(json.loads(said or "")["clientVersion"]["gitVersion"])
    except (ValueError, KeyError, TypeError):
        return None
