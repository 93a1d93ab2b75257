"""What cannot work on this machine, said before anything is begun."""

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.engine import CAP_SYS_ADMIN, STATUS, EngineControl, lacks
from hack.cluster.places import Places
from hack.cluster.progress import ask

DISK_OFFLINE = 10_000_000_000  # bytes; measured peak of a first run without a registry: 8.6 GB
DISK_WITH_REGISTRY = 5_000_000_000
OLDEST_GO = (1, 21)  # the first that fetches the toolchain that a go.mod asks for
ARCHITECTURES = {"x86_64", "aarch64", "arm64", "AMD64"}


@dataclass(frozen=True)
class Machine:
    """What was found on this machine."""

    system: str  # platform.system()
    architecture: str  # platform.machine()
    debian: bool  # apt-get and dpkg are there
    root: bool
    mounts: bool  # root may mount, as it may not in most containers
    go: tuple[int, int] | None  # version, if installed
    kind: bool  # on PATH
    engine: bool  # a docker answers
    registry: bool  # ... and can pull images
    free: int  # bytes where the cache is or will be
    made: int  # bytes that the tool has there already
    writable: bool  # the cache folder, or the nearest folder above that exists
    overlay: bool  # the kernel has overlayfs


def problems(machine: Machine) -> list[str]:
    """Say in one sentence each what cannot work; none is an empty list. Pure."""
    said = []
    if machine.architecture not in ARCHITECTURES:
        said.append(f"Images are made for x86-64 and 64-bit ARM only; this machine is {machine.architecture}.")
    if machine.registry:
        needed = DISK_WITH_REGISTRY
        if not machine.kind and not machine.go:
            said.append("Neither kind nor Go is installed: install kind, or Go to build it with.")
    else:
        needed = DISK_OFFLINE
        said += _offline_problems(machine)
    if not machine.writable:
        said.append("The cache folder cannot be written: set XDG_CACHE_HOME to a folder that can.")
    if machine.free + machine.made < needed:
        said.append(
            f"About {needed / 1e9:.0f} GB of disk are needed below the cache folder and only {machine.free / 1e9:.1f} GB are free: "
            "make room, or set XDG_CACHE_HOME to a folder on a larger disk."
        )
    return said


def _offline_problems(machine: Machine) -> list[str]:
    """What the way without a registry needs: everything is then built and started here."""
    why = "no docker engine answers, so one has to be started here"
    if machine.engine:
        why = "no container registry answers, so a node image has to be made here"
    said = []
    if machine.system != "Linux" or not machine.debian:
        return [f"This needs Debian, because {why}; or start a docker engine that can pull images."]
    if not machine.root:
        said.append(f"This needs root, because {why}; run it as root, or start a docker engine that can pull images.")
    elif not machine.mounts:
        said.append(
            f"This root may not mount file systems (it lacks CAP_SYS_ADMIN), and that is needed because {why}; leave the container."
        )
    if machine.go is None:
        said.append("Go is not installed, and Kubernetes has to be built because no container registry answers: install Go 1.21 or newer.")
    elif machine.go < OLDEST_GO:
        said.append(f"Go {'.'.join(map(str, machine.go))} is too old to build Kubernetes: install Go 1.21 or newer.")
    if not machine.overlay and not machine.engine:
        said.append("This kernel has no overlayfs, which the container engine stores its images with.")
    return said


def examine(places: Places, engines: EngineControl) -> Machine:
    """Look at this machine."""
    engine = engines.find()
    # An engine of ours was started because nothing else was there: it needs what it needed then.
    registry = engine is not None and engine.registry_answers()
    nearest = next(folder for folder in (places.root, *places.root.parents) if folder.is_dir())
    free = shutil.disk_usage(nearest).free
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        debian=all(map(shutil.which, ("apt-get", "dpkg", "dpkg-query"))),
        root=os.geteuid() == 0,
        mounts=not STATUS.exists() or not lacks(STATUS.read_text(), CAP_SYS_ADMIN),
        go=go_version(ask(["go", "version"]) or ""),
        kind=shutil.which("kind") is not None,
        engine=engine is not None,
        registry=registry,
        free=free,
        made=disk_use(places.root) if free < DISK_OFFLINE else 0,
        writable=os.access(nearest, os.W_OK),
        overlay=overlay_in(),
    )


def go_version(text: str) -> tuple[int, int] | None:
    """Read (major, minor) from what `go version` printed."""
    found = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def overlay_in(filesystems: Path = Path("/proc/filesystems")) -> bool:
    """Tell whether the kernel has overlayfs, or can load it."""
    if not filesystems.exists() or "overlay" in filesystems.read_text().split():
        return True
    return ask(["modprobe", "--dry-run", "overlay"]) is not None


def disk_use(folder: Path) -> int:
    """Bytes on disk below a folder, as `du` counts them; 0 if it is not there."""
    # Not over mounts: a running container's merged view would count its layers twice. Files may vanish meanwhile; du says so and counts on.
    counted = subprocess.run(["du", "-skx", folder], check=False, capture_output=True, text=True).stdout.split()
    return int(counted[0]) * 1024 if counted else 0
