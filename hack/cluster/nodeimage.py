"""The kind node image, made without a registry.

kind's own base files (they come with its Go module) are laid over a Debian root file system; the Kubernetes programs are added, and
the images that kubeadm will ask for are imported into the node's containerd. The result is one archive for `docker load`.
"""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from hack.cluster import archive, debian, kubernetes
from hack.cluster.archive import Image, program_layer, write
from hack.cluster.cache import Cache, digest_tree, key_of, remove_tree
from hack.cluster.debian import Debian
from hack.cluster.golang import Go, Recipe, version_of
from hack.cluster.places import RECIPES, Places
from hack.cluster.progress import ClusterError, ask, run, step

KIND_MODULE = "sigs.k8s.io/kind"
KIND = Recipe("kind", ((KIND_MODULE,),), expected=12, files={KIND_MODULE: "images/base/files"})
PAUSE = Recipe("pause", ((".",),), expected=2)
PROVISIONER_IMAGE = "localhost/local-path-provisioner:latest"  # these two as node/storage.yaml names them
HELPER_IMAGE = "localhost/local-path-helper:latest"
ENTRYPOINTS = {"pause": "/pause", "coredns": "/coredns"}  # the other programs are on PATH
PLACED = {
    "bridge.conflist": "etc/cni/net.d/10-bridge.conflist",
    "refuse-early.service": "etc/systemd/system/refuse-early.service",
    "storage.yaml": "kind/manifests/default-storage.yaml",
}
UNWANTED = (  # services that make no sense in a container, as in kind's own base image
    "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
    "lib/systemd/system/multi-user.target.wants/*",
    "etc/systemd/system/*.wants/*",
    "lib/systemd/system/local-fs.target.wants/*",
    "lib/systemd/system/sockets.target.wants/*udev*",
    "lib/systemd/system/sockets.target.wants/*initctl*",
    "lib/systemd/system/basic.target.wants/*",
)


class NodeImage:
    """Makes the node image from what the other makers give."""

    def __init__(self, places: Places, cache: Cache, go: Go, packages: Debian) -> None:
        self.places = places
        self.cache = cache
        self.go = go
        self.packages = packages
        self.log = places.logs / "nodeimage.log"

    def archive(self) -> tuple[str, Path]:
        """Give the image's name and the archive that holds it."""
        programs = kubernetes.binaries(self.go)
        pause = self.go.programs(PAUSE)
        kind_files = self.go.programs(KIND) / "files"
        roots = {
            "node": self.packages.root("node", debian.NODE_PACKAGES, expected=25),
            "small": self.packages.root("small", debian.SMALL_PACKAGES, expected=12),
        }
        made_from = (programs, pause, kind_files.parent, roots["node"].parent, roots["small"].parent)
        inputs = {content.parent.name: "" for content in made_from}  # the names of cache entries stand for their content
        inputs |= {"files": digest_tree(RECIPES / "node"), "recipe": Path(__file__).read_text() + Path(archive.__file__).read_text()}
        name = f"model-safeguard/node:{kubernetes.version()}-{key_of(inputs)}"

        def make(content: Path) -> None:
            with step("making the node image", 40):
                work = content.parent / "work"
                work.mkdir()
                write(work / "images.tar", self._images(work, (programs, pause), roots["small"], kind_files), debian.architecture())
                root = self._assemble(work, programs, roots["node"], kind_files)
                run(["tar", "--create", "--numeric-owner", "--xattrs", "-C", root, "-f", work / "root.tar", "."], log=self.log)
                settings = {"Entrypoint": ["/usr/local/bin/entrypoint", "/sbin/init"], "StopSignal": "SIGRTMIN+3"}
                settings |= {"Env": [archive.PATH, "container=docker"]}
                write(content / "node.tar", [Image(name, (work / "root.tar",), settings)], debian.architecture())
                remove_tree(work)

        return name, self.cache.entry("node", inputs, make) / "node.tar"

    def _images(self, work: Path, folders: tuple[Path, Path], small_root: Path, kind_files: Path) -> list[Image]:
        """The images that a node has to hold from the start, under the names that it will ask for."""
        names = {*self._kubeadm_images(folders[0]), sandbox_image(kind_files), PROVISIONER_IMAGE}
        images = [Image(HELPER_IMAGE, (small_root,))]
        for name in sorted(names):
            program = name.rpartition("/")[2].partition(":")[0]
            inside = ENTRYPOINTS.get(program, f"/usr/local/bin/{program}")
            source = next(folder / program for folder in folders if (folder / program).exists())
            layer = program_layer(work / f"{program}.tar", {inside: source})
            below = (small_root,) if program == "kube-proxy" else ()  # the only one that calls other programs
            images.append(Image(name, (*below, layer), {"Entrypoint": [inside]}))
        return images

    def _kubeadm_images(self, programs: Path) -> list[str]:
        listed = ask([programs / "kubeadm", "config", "images", "list", "--kubernetes-version", kubernetes.version()])
        if not listed:
            raise ClusterError(f"{programs}/kubeadm cannot list the images of {kubernetes.version()}; `clean` and `up` build it again.")
        return listed.splitlines()

    def _assemble(self, work: Path, programs: Path, node_root: Path, kind_files: Path) -> Path:
        """Lay out the node's root file system in a folder and give the folder."""
        root = work / "root"
        root.mkdir(mode=0o755)
        run(["tar", "--extract", "--numeric-owner", "--xattrs", "-C", root, "-f", node_root], log=self.log)
        lay_over(kind_files, root)
        for pattern in UNWANTED:
            for path in root.glob(pattern):
                path.unlink()
        for program in ("kubeadm", "kubelet", "kubectl"):
            shutil.copy(programs / program, root / "usr/bin" / program)
        for program in ("containerd", "ctr", "containerd-shim-runc-v2"):
            (root / "usr/local/bin" / program).symlink_to(f"/usr/bin/{program}")
        (root / "usr/local/sbin/runc").symlink_to("/usr/sbin/runc")
        (root / "sbin/init").unlink(missing_ok=True)
        (root / "sbin/init").symlink_to("/lib/systemd/systemd")
        (root / "opt/cni").mkdir(parents=True, exist_ok=True)
        (root / "opt/cni/bin").symlink_to("/usr/lib/cni")
        for name, place in PLACED.items():
            _put(root / place, (RECIPES / "node" / name).read_text())
        _put(root / "kind/version", kubernetes.version())
        (root / "etc/kubernetes/manifests").mkdir(parents=True)
        for empty in ("etc/resolv.conf", "etc/hostname"):
            (root / empty).write_text("")
        with (root / "etc/systemd/journald.conf").open("a") as journald:
            journald.write("ReadKMsg=no\n")
        run(["chroot", root, "systemctl", "enable", "kubelet", "containerd", "undo-mount-hacks", "refuse-early"], log=self.log)
        run(["chroot", root, "systemctl", "mask", "systemd-binfmt"], log=self.log)
        self._import(work, root)
        return root

    def _import(self, work: Path, root: Path) -> None:
        """Import the images into the node's containerd and write the specification that every container starts from."""
        (work / "images.tar").rename(root / "images.tar")
        shutil.copy(RECIPES / "node/import.sh", root / "import.sh")
        run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", root, "/bin/sh", "/import.sh"], log=self.log)
        (root / "images.tar").unlink()
        (root / "import.sh").unlink()
        base = root / "etc/containerd/cri-base.json"
        base.write_text(json.dumps(container_defaults(json.loads(base.read_text()))))


def container_defaults(specification: dict[str, object]) -> dict[str, object]:
    """Change containerd's default container specification as kind does: its hook in, fixed resource limits out."""
    hooks = specification.setdefault("hooks", {})
    process = specification["process"]
    if not isinstance(hooks, dict) or not isinstance(process, dict):
        raise ClusterError("`ctr oci spec` gave something that is not a container specification.")
    hooks.setdefault("createContainer", []).append({"path": "/kind/bin/mount-product-files.sh"})
    process.pop("rlimits", None)
    return specification


def sandbox_image(kind_files: Path) -> str:
    """Read from kind's containerd configuration which image holds a pod's namespaces."""
    found = re.search(r'^\s*sandbox_image = "(.+)"', (kind_files / "etc/containerd/config.toml").read_text(), re.MULTILINE)
    if found is None:
        raise ClusterError(f"kind {version_of('kind', KIND_MODULE)} names no sandbox image in its containerd configuration.")
    return found[1]


def lay_over(source: Path, root: Path) -> None:
    """Copy a tree into a root file system; scripts become executable, everything else readable."""
    for path in _files(source):
        relative = path.relative_to(source)
        target = root / relative
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o755 if "bin" in relative.parts else 0o644)


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.write_text(text)
