"""A docker, a kind and a machine that exist in memory only."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hack.cluster import wheels
from hack.cluster.cache import Cache
from hack.cluster.cluster import Cluster
from hack.cluster.docker import Engine
from hack.cluster.golang import Go
from hack.cluster.places import Places
from hack.cluster.tool import Tool
from tests.support import home as sharing

home = sharing.home


@dataclass
class Docker:
    """What a docker holds: containers (by name: an id, whether it runs, its networks), images and networks. It has a registry."""

    containers: dict[str, tuple[str, bool, tuple[str, ...]]] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    networks: set[str] = field(default_factory=lambda: {"bridge"})
    starts: bool = True  # stopped containers can be started again
    root: str = ""  # the folder of its data

    def make_node(self, name: str) -> None:
        """What kind does: a node, and the network if it is not there."""
        self.networks.add("kind")
        self.containers[f"{name}-control-plane"] = (f"id-{len(self.containers)}-of-{name}", True, ("kind",))

    def answer(self, *words: str) -> str | None:
        match words:
            case ("inspect", "--type", "container", "--format", template, name):
                return self._inspect(name, template)
            case ("start", name):
                identity, _, networks = self.containers[name]
                self.containers[name] = (identity, self.starts, networks)
                return name if self.starts else None
            case ("info", "--format", "{{.DockerRootDir}}"):
                return self.root
            case ("manifest", "inspect", _):
                return "{}"
            case ("image" | "network" as kind, verb, name):
                return self._thing(self.images if kind == "image" else self.networks, verb, name)
            case ("ps", "--all", "--quiet", "--filter", network):
                attached = [each for each, _, networks in self.containers.values() if network.removeprefix("network=") in networks]
                return "\n".join(attached)
        raise AssertionError(f"docker {' '.join(words)}: the stand-in does not know this")

    def _inspect(self, name: str, template: str) -> str | None:
        if name not in self.containers:
            return None
        identity, runs, _ = self.containers[name]
        return {"{{.Id}}": identity, "{{.State.Running}}": str(runs).lower()}[template]

    def _thing(self, held: set[str], verb: str, name: str) -> str | None:
        if name not in held:
            return None
        if verb == "rm":
            held.remove(name)
        return name


@dataclass(frozen=True)
class FakeEngine(Engine):
    docker: Docker = field(default_factory=Docker)

    def ask(self, *command: str, **_: float) -> str | None:
        return self.docker.answer(*command)


@pytest.fixture
def docker() -> Docker:
    return Docker()


@pytest.fixture
def engine(home: Places, docker: Docker) -> FakeEngine:
    """The user's docker."""
    return FakeEngine({}, ours=False, records=home.state, docker=docker)


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """kind, which does its work in the fake docker; gives what it was asked."""
    asked: list[str] = []

    def call(cluster: Cluster, *words: str, **_: str) -> None:
        asked.append(f"{' '.join(words[:2])} {cluster.name}")
        match words[0]:
            case "create":
                cluster.engine.docker.make_node(cluster.name)
                cluster.kubeconfig.write_text("made")
            case "export":
                cluster.kubeconfig.write_text("exported")
            case "delete":
                cluster.engine.docker.containers.pop(cluster.node, None)

    monkeypatch.setattr(Cluster, "_kind", call)
    monkeypatch.setattr(Cluster, "kind", lambda _: Path("kind"))
    monkeypatch.setattr(Cluster, "missing", lambda _: [])
    return asked


@pytest.fixture
def cluster_of(home: Places, engine: FakeEngine, kind: list[str]) -> Callable[[str], Cluster]:
    del kind  # it has to be in place

    def make(name: str) -> Cluster:
        return Cluster(name, home, engine, Go(home, Cache(home.entries)))

    return make


@pytest.fixture
def tool(home: Places, engine: FakeEngine, kind: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """The tool on a machine where the user's docker answers; the test may let it not answer."""
    del kind  # it has to be in place
    monkeypatch.setattr(wheels, "TARGET", tmp_path / "repository" / "build" / "wheels")
    made = Tool(home)
    monkeypatch.setattr(made.engines, "find", lambda: engine)
    monkeypatch.setattr(made.engines, "stop", lambda: made.engines.record.unlink(missing_ok=True))
    return made


@pytest.fixture
def no_docker(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Stops the docker."""
    return lambda: monkeypatch.setattr(tool.engines, "find", lambda: None)
