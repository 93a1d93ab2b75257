"""The container engine: the one that runs already, or Debian's docker started by hand.

A docker that answers is used as it is and never stopped. Where none does, docker.io is installed and its daemon started with a data
root, sockets and a log file of its own, so that it shares nothing with an engine that may be started later. What it leaves in the kernel
when it ends (bridges, iptables rules, the forwarding policy) is put back.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hack.cluster import leftovers, netfilter
from hack.cluster.cache import remove_tree
from hack.cluster.debian import Debian
from hack.cluster.docker import Engine
from hack.cluster.mounts import mounts_below
from hack.cluster.places import RECIPES, Places
from hack.cluster.progress import ClusterError, step, tail

CAP_SYS_ADMIN, CAP_SYS_RESOURCE = 21, 24  # their bits in /proc/<pid>/status
STATUS = Path("/proc/self/status")
BRIDGE_ADDRESS = "10.201.0.1/24"
ADDRESS_POOL = "base=10.202.0.0/16,size=24"
START_SECONDS = 60
STOP_SECONDS = 30


def lacks(status: str, capability: int) -> bool:
    """Read from the text of /proc/<pid>/status whether even root is denied a capability, given as its bit."""
    bounding = next((line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:")), "0")
    return not int(bounding, 16) >> capability & 1


class EngineControl:
    """Finds, starts and stops the engine."""

    def __init__(self, places: Places, packages: Debian) -> None:
        self.places = places
        self.packages = packages
        self.log = places.logs / "engine.log"
        self.record = places.state / "engine.json"
        self.pid_file = places.run / "docker.pid"
        self.socket = places.run / "docker.sock"

    def find(self) -> Engine | None:
        """Give the engine that answers now: ours if we started one, else the user's."""
        if self.record.exists():
            ours = self._ours()
            return ours if self._our_pid() and ours.ask("info", timeout=10) else None
        theirs = Engine(dict(os.environ), ours=False, records=self.places.state)
        return theirs if theirs.ask("info", timeout=10) else None

    def start(self) -> Engine:
        """Give an engine that answers, started if need be.

        Raises:
            ClusterError: it does not come up; with the end of its log.
        """
        if found := self.find():
            return found
        self.packages.need("docker.io", "iptables", "iproute2")
        self._clear_leftovers()
        self.record.parent.mkdir(parents=True, exist_ok=True)
        if not self.record.exists():
            self.record.write_text(json.dumps({"before": netfilter.snapshot()}))
        with step("starting the container engine", 4):
            self._launch()
        return self._ours()

    def stop(self) -> None:
        """Stop the engine that we started, if any, and take away what it left in the kernel."""
        if not self.record.exists():
            return
        with step("stopping the container engine", 5):
            self._clear_leftovers()
            netfilter.restore(json.loads(self.record.read_text())["before"])
            remove_tree(self.places.run)
            self.record.unlink()

    def _ours(self) -> Engine:
        return Engine(self._our_environment(), ours=True, records=self.places.state)

    def _our_environment(self) -> dict[str, str]:
        """The environment for clients of our engine: its socket, Debian's own client, and the builder that this engine has."""
        folder = self.places.run / "bin"
        return dict(os.environ) | {
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_CONFIG": str(self.places.state / "docker"),
            "DOCKER_BUILDKIT": "0",
            "PATH": f"{folder}:{os.environ.get('PATH', os.defpath)}",
        }

    def _our_pid(self) -> int | None:
        """The process id of our daemon, if it lives: a stale pid file may name a stranger."""
        try:
            pid = int(self.pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        except (OSError, ValueError):
            return None
        return pid if str(self.pid_file) in command else None

    def _launch(self) -> None:
        (self.places.run / "bin").mkdir(parents=True, exist_ok=True)
        client = self.places.run / "bin" / "docker"
        client.unlink(missing_ok=True)
        client.symlink_to("/usr/bin/docker")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            # A session and files of its own: it inherits no pipe that its caller's reader would wait on, and no Ctrl-C.
            daemon = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
            )
        engine = self._ours()
        deadline = time.monotonic() + START_SECONDS
        while not engine.ask("info", timeout=10):
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise ClusterError(f"The container engine does not start; its log {self.log} ends:\n{tail(self.log, before)}")
            time.sleep(0.1)

    def _command(self) -> list[str]:
        run, data = self.places.run, self.places.engine_data
        command = ["/usr/sbin/dockerd", "--config-file", str(run / "none.json"), "--host", f"unix://{self.socket}"]
        command += ["--pidfile", str(self.pid_file), "--data-root", str(data), "--exec-root", str(run / "exec")]
        command += ["--bip", BRIDGE_ADDRESS, "--default-address-pool", ADDRESS_POOL]
        command += ["--storage-driver", "overlay2", "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", self._cgroup()]
        (run / "none.json").write_text("{}")
        if lacks(STATUS.read_text(), CAP_SYS_RESOURCE):
            wrapper = run / "bin" / "runc-without-sys-resource"
            program = (RECIPES / "runc_wrapper.py").read_text()
            wrapper.write_text(f"#!{sys.executable} -IS\n{program}")
            wrapper.chmod(0o755)
            command += ["--add-runtime", f"reduced={wrapper}", "--default-runtime", "reduced"]
        return command

    def _cgroup(self) -> str:
        """The cgroup that holds all our containers: by it their processes are found when the engine was killed and they were not."""
        return f"/{self.places.run.name}"

    def _nothing_left(self) -> bool:
        """End the processes that are left; tells whether there were none."""
        found = leftovers.processes(self.places.run, self._cgroup())
        leftovers.kill(found)
        return not found

    def _clear_leftovers(self) -> None:
        """End our daemon, then whatever a killed one left: its helpers, its containers' processes, its mounts, its stale pid file."""
        if pid := self._our_pid():
            os.kill(pid, signal.SIGTERM)
            _wait_until(lambda: self._our_pid() is None, STOP_SECONDS)
        _wait_until(self._nothing_left, STOP_SECONDS)
        leftovers.remove_cgroups(self._cgroup())
        for mount in reversed(mounts_below(self.places.run, self.places.engine_data)):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
        for stale in (self.pid_file, self.socket):
            stale.unlink(missing_ok=True)
        if (self.places.run / "exec").exists():
            shutil.rmtree(self.places.run / "exec")


def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
