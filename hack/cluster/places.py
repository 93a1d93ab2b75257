"""Where the tool keeps what it makes: one folder below the user's cache folder, and one below /run for sockets."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Places:
    """The folders of one user's installation; nothing outside them is written to, except where a docstring says so."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by whichever run is at work."""
        return self.root / "lock"

    @property
    def entries(self) -> Path:
        """Finished products, each in a folder named after its content (module `cache`)."""
        return self.root / "entries"

    @property
    def state(self) -> Path:
        """Records of what was started and installed."""
        return self.root / "state"

    @property
    def clusters(self) -> Path:
        """For each cluster its record and its kubeconfig."""
        return self.state / "clusters"

    @property
    def logs(self) -> Path:
        """The full output of every program that was started."""
        return self.root / "logs"

    @property
    def go(self) -> Path:
        """Go's module and build caches, kept apart from the user's own so that `clean` can remove them."""
        return self.root / "go"

    @property
    def pip(self) -> Path:
        """What pip has downloaded, kept apart from the user's own for the same reason."""
        return self.root / "pip"

    @property
    def kubectl(self) -> Path:
        """What kubectl remembers of clusters, and would keep below the user's ~/.kube (`$KUBECACHEDIR`)."""
        return self.root / "kubectl"

    @property
    def engine_data(self) -> Path:
        """Data root of the engine that we start: images, containers, and the volumes below the cluster's claims."""
        return self.root / "engine"

    @property
    def run(self) -> Path:
        """Sockets and process ids: outside the cache, because a socket's path may have 107 bytes at most."""
        key = hashlib.sha256(str(self.root).encode()).hexdigest()[:8]
        return Path(f"/run/model-safeguard-{key}")


def places(environment: dict[str, str] | None = None) -> Places:
    """Say where things belong for this user: `$XDG_CACHE_HOME` (an absolute path, as its specification asks) or `~/.cache`."""
    env = os.environ if environment is None else environment
    given = Path(env.get("XDG_CACHE_HOME", ""))
    return Places((given if given.is_absolute() else Path.home() / ".cache") / "model-safeguard")
