"""Room on this machine's disks: how much is needed in which folder, and how much there is."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.docker import Engine, brought
from hack.cluster.places import REPOSITORY, Places

CACHE, DOCKER, CHECKOUT = "the cache folder", "the container engine", "the repository"
# Bytes, rounded up from what was measured: Go's caches while Kubernetes is built 5 GB, what stays of it and of the node image 2.7 GB;
# images and the volumes of one cluster 4 to 7 GB, the higher once Go's caches are gone; .venv 0.7 GB.
BUILDING, PULLING = 7_000_000_000, 1_000_000_000
ENGINE = 5_000_000_000
VENV = 1_000_000_000
MOST = BUILDING + ENGINE + VENV


@dataclass(frozen=True)
class Room:
    """The room for one use. Uses on the same disk share it."""

    use: str  # CACHE, DOCKER or CHECKOUT
    disk: int  # the file system's number
    free: int  # bytes
    made: int = 0  # bytes that are there already of what is needed


def needs(*, builds: bool) -> Mapping[str, int]:
    """Bytes for each use; `builds` is whether Kubernetes is built."""
    return {CACHE: BUILDING if builds else PULLING, DOCKER: ENGINE, CHECKOUT: VENV}


def too_small(rooms: Iterable[Room], needed: Mapping[str, int]) -> list[str]:
    """Say in one sentence for each disk that is too small for its uses together. Pure."""
    disks: dict[int, list[Room]] = {}
    for room in rooms:
        disks.setdefault(room.disk, []).append(room)
    said = []
    for sharing in disks.values():
        total, free = sum(needed[room.use] for room in sharing), min(room.free for room in sharing)
        if free + sum(room.made for room in sharing) < total:
            uses = [room.use for room in sharing]
            elsewhere = ", or set XDG_CACHE_HOME to a folder on a larger disk" if CACHE in uses else ""
            said.append(
                f"About {total / 1e9:.0f} GB of disk are needed for {' and '.join(uses)}, and only {free / 1e9:.1f} GB are free there: "
                f"make room{elsewhere}."
            )
    return said


def rooms(places: Places, engine: Engine | None) -> tuple[Room, ...]:
    """Look at the disks of this machine. A docker that keeps its data in a virtual machine has a disk that cannot be seen from here."""
    folders = {CACHE: places.root, DOCKER: places.engine_data, CHECKOUT: REPOSITORY}
    if engine and not engine.ours:
        folders[DOCKER] = Path(engine.ask("info", "--format", "{{.DockerRootDir}}") or "unknown")
        if not folders[DOCKER].is_dir():
            del folders[DOCKER]
    return tuple(_room(use, folder, places) for use, folder in folders.items())


def _room(use: str, folder: Path, places: Places) -> Room:
    here = nearest(folder)
    free = shutil.disk_usage(here).free
    return Room(use, here.stat().st_dev, free, _made(use, places) if free < MOST else 0)


def _made(use: str, places: Places) -> int:
    """How much of it is there already: counted, except in a docker of the user's, which is not ours to look into."""
    if use == DOCKER:
        return ENGINE if brought(places.state, "images") else 0
    return disk_use(places.root if use == CACHE else REPOSITORY / ".venv")


def nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above that is there."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def disk_use(folder: Path) -> int:
    """Bytes on disk below a folder, as `du` counts them; 0 if it is not there."""
    # Not over mounts: a running container's merged view would count its layers twice. Files may vanish meanwhile; du says so and counts on.
    counted = subprocess.run(["du", "-skx", folder], check=False, capture_output=True, text=True).stdout.split()
    return int(counted[0]) * 1024 if counted else 0
