"""A docker engine that answers, seen by its client; and what was brought into one that is the user's, to be taken away again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.progress import ask

# kind v0.33.0's own node image; whether it can be looked up tells whether a registry answers.
REGISTRY_IMAGE = "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
REGISTRY_SECONDS = 8  # one that answers does so in one or two
KIND_NETWORK = "kind"  # kind makes it with its first cluster, and leaves it behind with its last


@dataclass(frozen=True)
class Engine:
    """A docker engine that answers, and the environment in which its client finds it."""

    environment: Mapping[str, str]
    ours: bool
    records: Path  # the folder where it is written down what this tool brought into an engine that is not ours

    def ask(self, *command: str, timeout: float = 60) -> str | None:
        """Ask the engine something by its client; None if it refuses."""
        return ask(["docker", *command], env=self.environment, timeout=timeout)

    def has_image(self, name: str) -> bool:
        """Tell whether the engine has an image of this name."""
        return self.ask("image", "inspect", name) is not None

    def registry_answers(self) -> bool:
        """Tell whether images can be pulled."""
        return self.ask("manifest", "inspect", REGISTRY_IMAGE, timeout=REGISTRY_SECONDS) is not None

    def remember_image(self, name: str) -> None:
        """Write down an image that was not there before; one in an engine of ours goes with the engine."""
        self._remember("images", name)

    def remember_network(self) -> None:
        """Write down that kind's network is about to come with a cluster of ours, if it is not there yet."""
        if self.ask("network", "inspect", KIND_NETWORK) is None:
            self._remember("networks", KIND_NETWORK)

    def forget_images(self) -> None:
        """Remove the images that were written down; the engine keeps those that a container of the user's has come to use."""
        for name in brought(self.records, "images"):
            self.ask("image", "rm", name)
        (self.records / "images").unlink(missing_ok=True)

    def forget_networks(self) -> None:
        """Remove the networks that were written down, unless a container of the user's has come to use one, be it a stopped one."""
        for name in brought(self.records, "networks"):
            if self.ask("ps", "--all", "--quiet", "--filter", f"network={name}") == "":
                self.ask("network", "rm", name)
        (self.records / "networks").unlink(missing_ok=True)

    def _remember(self, kind: str, name: str) -> None:
        if not self.ours:
            self.records.mkdir(parents=True, exist_ok=True)
            names = dict.fromkeys([*brought(self.records, kind), name])
            (self.records / kind).write_text("".join(f"{each}\n" for each in names))


def brought(records: Path, kind: str) -> list[str]:
    """Name what was brought into a docker of the user's: `kind` is `images` or `networks`."""
    record = records / kind
    return record.read_text().split() if record.exists() else []
