"""What every benchmark needs: an API server of its own, namespaces, operators, and their processes' memory and time."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import binaries
from tests.support.apiserver import ApiServer, Kubectl
from tests.support.operator_process import MODULE, Operator, Settings, fresh
from tests.support.processes import Program
from tests.support.world import World

_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """A new etcd and kube-apiserver with our two kinds; the logs stay in the folder. Calls are not recorded: no target is about that."""
    folder.mkdir(parents=True)
    server = ApiServer(folder, audited=False)
    try:
        server.start()
        kubectl = Kubectl(server.kubeconfig)
        kubectl("apply", "--server-side", "-f", str(binaries.ROOT / "crds"))
        kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def namespace(server: ApiServer, name: str) -> AsyncIterator[World]:
    """A new namespace, where pods can be made, and where our kinds are served: that takes a moment after their CRDs are there."""
    with server.client() as http:
        http.post("/api/v1/namespaces", json={"metadata": {"name": name}}).raise_for_status()
        http.post(f"/api/v1/namespaces/{name}/serviceaccounts", json={"metadata": {"name": "default"}}).raise_for_status()
    async with World(server, name) as world:
        for kind in ("ModelDeployment", "RetrainRequest"):
            await world.find_all(kind)
        yield world


@dataclass(frozen=True)
class Process:
    """A running operator, seen from outside."""

    program: Program

    @property
    def memory(self) -> float:
        """Resident memory in MB (10⁶ bytes)."""
        return self._status("VmRSS")

    @property
    def peak_memory(self) -> float:
        """The most resident memory that it ever had, in MB."""
        return self._status("VmHWM")

    @property
    def seconds(self) -> float:
        """Processor time that it has used so far, in seconds of one core."""
        fields = Path(f"/proc/{self.program.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        user, system = fields[11:13]  # proc(5): utime and stime, counted from the state behind the name
        return (int(user) + int(system)) / _TICKS

    def _status(self, field: str) -> float:
        lines = Path(f"/proc/{self.program.pid}/status").read_text(encoding="ascii").splitlines()
        [line] = (line for line in lines if line.startswith(f"{field}:"))
        return int(line.split()[1]) * 1024 / 1e6


@asynccontextmanager
async def operator(server: ApiServer, log: Path, *, namespace: str = "", module: str = MODULE) -> AsyncIterator[Process]:
    """An operator in a process of its own with its default settings, ready, for one namespace or for all."""
    launched: list[Program] = []

    def launch(module: str, arguments: list[str], log: Path, env: Mapping[str, str]) -> Program:
        program = fresh(module, arguments, log, env)
        assert isinstance(program, Program)
        launched.append(program)
        return program

    settings = Settings(server.kubeconfig, namespace, resync_seconds=300.0, log_level="info", module=module)
    process = Operator(settings, log, launch)
    try:
        await process.start()
        yield Process(launched[0])
        await process.stop()
    finally:
        process.kill()
