"""The machine below the cluster, as its administrator has it: commands in the node, and what may happen to a node."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from hack.demo.kube import Kube
from hack.demo.setup import cluster_tool

# By its process id, among the node's own processes; then until it answers again (whether it does, anybody may ask).
KILL = "pid=$(pgrep --exact kube-apiserver) && kill -KILL $pid && while kill -0 $pid 2>/dev/null; do :; done"
ASK = ["curl", "--silent", "--fail", "--insecure", "--retry", "120", "--retry-delay", "1", "--retry-all-errors"]


class Node:
    """The only node of the suite's cluster."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.name = kube.all("Node")[0]["metadata"]["name"]
        words = cluster_tool("env", "--name", self.name.removesuffix("-control-plane"))
        self._environment = os.environ | dict(word.split("=", 1) for word in words if "=" in word)

    def run(self, *command: str, timeout: float = 60) -> None:
        """Run a program in the node; it must succeed."""
        words = ["docker", "exec", self.name, *command]
        subprocess.run(words, env=self._environment, check=True, capture_output=True, timeout=timeout)

    @contextmanager
    def cordoned(self) -> Iterator[None]:
        """No pod begins here while the block runs."""
        self.kube.kubectl("cordon", self.name)
        try:
            yield
        finally:
            self.kube.kubectl("uncordon", self.name)

    def kill_api_server(self) -> None:
        """SIGKILL for the API server; kubelet starts it again, and that is waited for."""
        self.run("sh", "-c", KILL)
        self.run(*ASK, "https://127.0.0.1:6443/readyz", timeout=180)
