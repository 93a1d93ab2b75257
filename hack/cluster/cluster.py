"""The kind cluster: made, reused, repaired, deleted."""

import json
import shutil
import time
from pathlib import Path

from hack.cluster.docker import REGISTRY_IMAGE, Engine
from hack.cluster.engine import CAP_SYS_RESOURCE, STATUS, lacks
from hack.cluster.golang import Go, installed, version_of
from hack.cluster.nodeimage import KIND, KIND_MODULE, NodeImage
from hack.cluster.places import Places
from hack.cluster.progress import ClusterError, ask, run, say, step
from hack.cluster.readiness import SYSTEM_NAMESPACES, not_ready

READY_SECONDS = 120
POLL_SECONDS = 0.5


def configuration(*, offline: bool, cgroup_v1: bool, no_sys_resource: bool) -> dict[str, object]:
    """Give kind's configuration for this machine; JSON is YAML, so it is written as such."""
    kubelet = {"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1", "failCgroupV1": False}
    node: dict[str, object] = {"role": "control-plane"}
    if cgroup_v1:
        node["kubeadmConfigPatches"] = [json.dumps(kubelet)]
    config: dict[str, object] = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [node]}
    if offline:
        config["networking"] = {"disableDefaultCNI": True}  # the node image brings a bridge of its own
    if no_sys_resource:
        config["containerdConfigPatches"] = ['[plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true\n']
    return config


class Cluster:
    """One kind cluster of one node, by name."""

    def __init__(self, name: str, places: Places, engine: Engine, go: Go) -> None:
        self.name = name
        self.places = places
        self.engine = engine
        self.go = go
        self.log = places.logs / "cluster.log"
        self.record = places.clusters / f"{name}.json"
        self.kubeconfig = places.clusters / f"{name}.kubeconfig"
        self.node = f"{name}-control-plane"

    def up(self, node_image: NodeImage) -> None:
        """Bring the cluster to Ready: as it runs, started again, or made.

        Raises:
            ClusterError: a cluster of this name exists that is not ours, or it does not become ready.
        """
        if self.exists():
            if self._revived():
                return
            say(f"  ! cluster {self.name} cannot be brought back and is made anew")
            self._delete()
        image, offline = self._image(node_image)
        self._create(image, offline=offline)

    def down(self) -> None:
        """Delete the cluster if it is ours."""
        if self.exists():
            with step(f"deleting cluster {self.name}", 3):
                self._delete()
        self.record.unlink(missing_ok=True)
        self.kubeconfig.unlink(missing_ok=True)

    def exists(self) -> bool:
        """Tell whether the engine has this cluster.

        Raises:
            ClusterError: it has one of this name that is not ours.
        """
        identity = self._inspect("{{.Id}}")
        if identity is None:
            return False
        if self._recorded() not in ({"container": identity}, {"container": None}):
            raise ClusterError(
                f"A cluster named {self.name} exists that this tool did not make; choose another --name, or delete it yourself."
            )
        return True

    def run_in_node(self, *command: str, timeout: float = 60) -> str | None:
        """Run a program in the node and give what it prints; None if it fails."""
        return self.engine.ask("exec", self.node, *command, timeout=timeout)

    def kubectl(self, *arguments: str, timeout: float = 60) -> str | None:
        """Ask the cluster by the node's own kubectl: it is always there, and of the right version."""
        return self.run_in_node("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", *arguments, timeout=timeout)

    def missing(self) -> list[str]:
        """Name what keeps the cluster from being ready, one phrase each."""
        started = (self._inspect("{{.State.StartedAt}}") or "").partition(".")[0] + "Z"
        answers = [self.kubectl("get", "nodes", "--output=json")]
        answers += [self.kubectl("get", "deployments,pods", f"--namespace={name}", "--output=json") for name in SYSTEM_NAMESPACES]
        if None in answers:
            return ["an answer from its API server"]
        return not_ready([item for answer in answers for item in json.loads(answer or "")["items"]], started)

    def _inspect(self, template: str) -> str | None:
        return self.engine.ask("inspect", "--type", "container", "--format", template, self.node)

    def _recorded(self) -> object:
        """What was written down about the cluster: its container, or None for the time that kind is making it."""
        try:
            return json.loads(self.record.read_text())
        except (OSError, ValueError):
            return None

    def _revived(self) -> bool:
        """Bring back a cluster that exists; False if it was never finished or does not become ready."""
        if self._recorded() == {"container": None}:
            return False
        if self._inspect("{{.State.Running}}") != "true":
            with step(f"starting the node of cluster {self.name} again", 2):
                if self.engine.ask("start", self.node) is None:
                    return False
        if self._wait_ready():
            return False
        if not self.kubeconfig.exists():  # the cluster's port and certificates outlive a restart
            self._kind("export", "kubeconfig")
        return True

    def _wait_ready(self) -> list[str]:
        """Wait until nothing is missing; gives what still is when the time is over."""
        missing = self.missing()
        if missing:
            with step(f"waiting for cluster {self.name} to be ready", 30) as note:
                deadline = time.monotonic() + READY_SECONDS
                while missing and time.monotonic() < deadline:
                    time.sleep(POLL_SECONDS)
                    missing = self.missing()
                    note(f"missing: {', '.join(missing)}")
        return missing

    def _image(self, node_image: NodeImage) -> tuple[str, bool]:
        """Choose the node image: kind's own where a registry answers, else ours, loaded into the engine."""
        if self.engine.registry_answers():
            if not self.engine.has_image(REGISTRY_IMAGE):
                self.engine.remember_image(REGISTRY_IMAGE)
            return REGISTRY_IMAGE, False
        say("  · no container registry answers: the node image is made from Go modules and Debian packages")
        name, archive = node_image.archive()
        if not self.engine.has_image(name):
            with step("loading the node image into the engine", 8):
                run(["docker", "load", "--input", archive], env=self.engine.environment, log=self.log)
            self.engine.remember_image(name)
            self._forget_old_images(name)
        return name, True

    def _forget_old_images(self, newest: str) -> None:
        """Remove node images of older recipes from an engine of ours; it keeps those that clusters still run on."""
        if self.engine.ours:
            listed = self.engine.ask("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", newest.partition(":")[0]) or ""
            for old in set(listed.split()) - {newest}:
                self.engine.ask("image", "rm", old)

    def _create(self, image: str, *, offline: bool) -> None:
        self.kind()  # built before the clock of the next step starts
        linux, unified = STATUS.exists(), Path("/sys/fs/cgroup/cgroup.controllers")
        config = configuration(
            offline=offline,
            cgroup_v1=linux and not unified.exists(),
            no_sys_resource=linux and lacks(STATUS.read_text(), CAP_SYS_RESOURCE),
        )
        self.record.parent.mkdir(parents=True, exist_ok=True)
        self.record.write_text(json.dumps({"container": None}))
        self.engine.remember_network()
        with step(f"creating cluster {self.name} with kind", 20):
            self._kind("create", "cluster", "--image", image, "--config", "-", "--wait", f"{READY_SECONDS}s", stdin=json.dumps(config))
        self.record.write_text(json.dumps({"container": self._inspect("{{.Id}}")}))
        if missing := self._wait_ready():
            raise ClusterError(f"Cluster {self.name} was made but does not become ready; what is missing: {', '.join(missing)}.")

    def _delete(self) -> None:
        self._kind("delete", "cluster")

    def _kind(self, *arguments: str, stdin: str | None = None) -> None:
        command: list[str | Path] = [self.kind(), *arguments, "--name", self.name, "--kubeconfig", self.kubeconfig]
        run(command, env=self.engine.environment, log=self.log, stdin=stdin, timeout=600)

    def kind(self) -> Path:
        """Give kind: the one on PATH if it is of the pinned version or there is no Go to build it with, else built."""
        present = shutil.which("kind")
        if present and (not installed() or f" {version_of('kind', KIND_MODULE)} " in f"{ask([present, 'version'])} "):
            return Path(present)
        return self.go.programs(KIND) / "kind"
