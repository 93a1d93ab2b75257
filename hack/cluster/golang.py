"""Programs built from the Go modules in this folder; their go.mod and go.sum pin every source.

Go keeps two caches; ours are below our own folder, so that `clean` can remove them. What the user's own module cache already holds is
taken from there instead of the network.
"""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hack.cluster.cache import Cache, digest_tree, remove_tree
from hack.cluster.places import RECIPES, Places
from hack.cluster.progress import ClusterError, ask, run, step

FLAGS = "-trimpath -buildvcs=false -mod=readonly"
TOOLCHAIN_SECONDS = 600


@dataclass(frozen=True)
class Recipe:
    """What to build from one of the modules in this folder, or in another ``home``."""

    folder: str
    packages: tuple[tuple[str, ...], ...]  # one call of go for each group
    expected: float  # seconds on two cores with empty caches
    ldflags: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)  # go names a program after the last folder of its package
    files: Mapping[str, str] = field(default_factory=dict)  # {module: folder in it}, copied to `files`
    home: Path = RECIPES


def version_of(recipe: str, module: str) -> str:
    """Read the version that a recipe's go.mod pins for a module, such as `v1.36.3`."""
    found = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", (RECIPES / recipe / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise ClusterError(f"hack/cluster/{recipe}/go.mod does not require {module}.")
    return found[1]


class Go:
    """Builds programs for Linux containers and for this machine."""

    def __init__(self, places: Places, cache: Cache) -> None:
        self.places = places
        self.cache = cache
        self.log = places.logs / "go.log"

    def programs(self, recipe: Recipe) -> Path:
        """Give the folder with the programs of one recipe, built if it is not cached."""
        source = recipe.home / recipe.folder
        ldflags = f"-s -w {recipe.ldflags}".strip()
        inputs = {"sources": digest_tree(source), "flags": f"{FLAGS} {ldflags}", "go": self._toolchain(source)}
        inputs |= {"what": repr((recipe.packages, recipe.renamed, recipe.files))}

        def make(content: Path) -> None:
            with step(f"building {recipe.folder} from Go modules", recipe.expected):
                for packages in recipe.packages:
                    run(
                        ["nice", "-n", "5", "go", "install", "-ldflags", ldflags, *packages],
                        cwd=source,
                        env=self.environment() | {"GOBIN": str(content)},
                        log=self.log,
                        timeout=3600,
                    )
                for was, becomes in recipe.renamed.items():
                    (content / was).rename(content / becomes)
                for module, folder in recipe.files.items():
                    shutil.copytree(self._sources(source, module) / folder, content / "files")

        return self.cache.entry(recipe.folder, inputs, make)

    def forget(self) -> None:
        """Remove Go's caches: some 5 GB that nothing needs once the programs are built."""
        remove_tree(self.places.go)

    def _toolchain(self, source: Path) -> str:
        # An older Go fetches the toolchain that the module asks for before it answers: some 80 MB.
        found = ask(["go", "env", "GOVERSION", "GOARCH", "GOOS"], env=self.environment(), cwd=source, timeout=TOOLCHAIN_SECONDS)
        if found is None:
            raise ClusterError(f"`go env` does not answer in {source}; is Go 1.21 or newer installed?")
        return found

    def _sources(self, source: Path, module: str) -> Path:
        """Give the folder with the sources of a module that has been built."""
        folder = ask(["go", "list", "-m", "-f", "{{.Dir}}", module], env=self.environment(), cwd=source)
        if not folder:
            raise ClusterError(f"Go cannot say where the module {module} is.")
        return Path(folder)

    def environment(self) -> dict[str, str]:
        """Environment for every call of go: our caches, the user's module cache as a first source, no C compiler, pinned flags.

        Debian's packages tell Go to make do with the version that it is (GOTOOLCHAIN=local); ours may be newer, so it may fetch one.
        """
        chosen = (ask(["go", "env", "GOMODCACHE", "GOPROXY"]) or "\n").splitlines()
        user_cache, proxies = chosen if len(chosen) == 2 else ("", "")  # noqa: PLR2004  the two that were asked for
        nearby = Path(user_cache) / "cache" / "download"
        if user_cache and nearby.is_dir():
            proxies = f"file://{nearby},{proxies}"
        ours = {"GOMODCACHE": str(self.places.go / "mod"), "GOCACHE": str(self.places.go / "build"), "GOPROXY": proxies}
        return dict(os.environ) | ours | {"GOFLAGS": FLAGS, "CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "auto"}


def installed() -> bool:
    """Tell whether there is a Go to build with."""
    return shutil.which("go") is not None
