"""The Kubernetes programs: built once, used by the node image and, without any node, by the integration tests."""

from pathlib import Path

from hack.cluster.golang import Go, Recipe, version_of

PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubeadm", "kubectl", "kubelet")
VERSION_PACKAGE = "k8s.io/component-base/version"
BUILD_DATE = "2026-01-01T00:00:00Z"  # fixed: the same sources are the same programs


def version() -> str:
    """Kubernetes' version, such as `v1.36.3`."""
    return version_of("kubernetes", "k8s.io/kubernetes")


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
            folder="kubernetes",
            packages=(
                ("go.etcd.io/etcd/server/v3", "./coredns", *(f"k8s.io/kubernetes/cmd/{program}" for program in PROGRAMS)),
                ("github.com/rancher/local-path-provisioner",),  # apart: it names a package that differs from another by a capital letter
            ),
            expected=320,
            ldflags=version_flags(version()),
            renamed={"server": "etcd"},
        )
    )
