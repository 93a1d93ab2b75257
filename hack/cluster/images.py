"""Container images of this repository, built from its Dockerfile.

An image is tagged with the beginning of its own digest, so a tag never changes its meaning. Where no registry answers, the Dockerfile's
`BASE_IMAGE` is one made from Debian packages.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.cluster import archive, debian
from hack.cluster.debian import Debian
from hack.cluster.docker import Engine
from hack.cluster.places import REPOSITORY, Places
from hack.cluster.progress import ClusterError, run, step

OWNER = "modelsafeguard"
STAGE = re.compile(r"^FROM\s+\S+\s+AS\s+(\S+)", re.MULTILINE | re.IGNORECASE)
SOURCE = re.compile(r"^COPY\s+--from=(\S+)", re.MULTILINE | re.IGNORECASE)
TAG_DIGITS = 12
KEPT = 2  # builds of each target in an engine of ours
CACHED = "cached"  # tag of stages that are built only to be copied from


def stages(dockerfile: str) -> list[str]:
    """Name the stages of a Dockerfile's text."""
    return STAGE.findall(dockerfile)


def copied_stages(dockerfile: str) -> list[str]:
    """Name the stages that others copy from, each once."""
    return list(dict.fromkeys(name for name in SOURCE.findall(dockerfile) if name in stages(dockerfile)))


def requirement_files(dockerfile: str, folder: Path) -> list[Path]:
    """Give the requirements files that belong to stages of the Dockerfile: `<folder>/<stage>.txt`."""
    return [path for stage in stages(dockerfile) if (path := folder / f"{stage}.txt").is_file()]


class Images:
    """Builds images with one engine."""

    def __init__(self, places: Places, engine: Engine, packages: Debian) -> None:
        self.places = places
        self.engine = engine
        self.packages = packages
        self.log = places.logs / "images.log"

    def build(self, targets: Sequence[str], arguments: Mapping[str, str]) -> list[str]:
        """Build targets of the Dockerfile in the repository's root; gives their names, in the same order.

        Raises:
            ClusterError: the Dockerfile has no such target, or the build fails.
        """
        dockerfile = (REPOSITORY / "Dockerfile").read_text()
        if unknown := [target for target in targets if target not in stages(dockerfile)]:
            raise ClusterError(f"The Dockerfile has no target {' and no '.join(unknown)}; it has {', '.join(stages(dockerfile))}.")
        chosen = dict(arguments)
        if "BASE_IMAGE" not in chosen and not self.engine.registry_answers():
            chosen["BASE_IMAGE"] = self.base()
        if self.engine.ours:
            # The builder of this engine keeps a stage only as long as its image has a name or a child.
            for stage in copied_stages(dockerfile):
                self._tag(self._build_one(stage, chosen, expected=90), f"{OWNER}/{stage}:{CACHED}")
        names = [self._named(target, self._build_one(target, chosen, expected=15)) for target in targets]
        if self.engine.ours:
            with step("removing what earlier builds left", 5):
                self.engine.ask("image", "prune", "--force", timeout=600)
        return names

    def base(self) -> str:
        """Give the name of a base image with Python, made from Debian packages and loaded into the engine."""
        root = self.packages.root("python", debian.PYTHON_PACKAGES, expected=25)
        name = f"model-safeguard/python:{root.parent.parent.name.rpartition('-')[2]}"
        if not self.engine.has_image(name):
            with step("loading the base image into the engine", 5):
                made = self.places.root / "base.tar"
                try:
                    archive.write(made, [archive.Image(name, (root,), {"Cmd": ["python3"]})], debian.architecture())
                    run(["docker", "load", "--input", made], env=self.engine.environment, log=self.log)
                finally:
                    made.unlink(missing_ok=True)
            self.engine.remember_image(name)
        return name

    def _build_one(self, stage: str, arguments: Mapping[str, str], expected: float) -> str:
        """Build one stage; gives its image's digest."""
        self.places.state.mkdir(parents=True, exist_ok=True)
        identity = self.places.state / "build.iid"
        identity.unlink(missing_ok=True)
        options = [word for key, value in sorted(arguments.items()) for word in ("--build-arg", f"{key}={value}")]
        command: list[str | Path] = ["docker", "build", "--target", stage, "--iidfile", identity, *options, "."]
        with step(f"building image {OWNER}/{stage}", expected):
            run(command, cwd=REPOSITORY, env=self.engine.environment, log=self.log)
        return identity.read_text().strip()

    def _tag(self, digest: str, name: str) -> None:
        run(["docker", "tag", digest, name], env=self.engine.environment, log=self.log)

    def _named(self, target: str, digest: str) -> str:
        """Name an image after its content, and let names of older builds go."""
        name = f"{OWNER}/{target}:{digest.removeprefix('sha256:')[:TAG_DIGITS]}"
        self._tag(digest, name)
        self.engine.remember_image(name)
        if self.engine.ours:
            listed = (self.engine.ask("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{OWNER}/{target}") or "").split()
            for old in [other for other in listed if other != name][KEPT - 1 :]:
                self.engine.ask("image", "rm", old)
        return name
