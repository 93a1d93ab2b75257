"""What cannot work on this machine, said before anything is begun."""

import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.disk import Room, nearest, needs, rooms, too_small
from hack.cluster.engine import CAP_SYS_ADMIN, STATUS, EngineControl, lacks
from hack.cluster.places import Places
from hack.cluster.progress import ask

OLDEST_GO = (1, 21)  # the first that fetches the toolchain that a go.mod asks for
BINARIES = "SAFEGUARD_BINARIES"  # tells the integration tests of Kubernetes programs that are there already (tests/support/binaries.py)
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
    kubectl: bool  # on PATH, or built here before
    engine: bool  # a docker answers
    registry: bool  # ... and can pull images
    rooms: tuple[Room, ...]  # on the disks that will be written to
    writable: bool  # the cache folder, or the nearest folder above that exists
    overlay: bool  # the kernel has overlayfs


def problems(machine: Machine, *, tests: bool = False) -> list[str]:
    """Say in one sentence each what cannot work, with `tests` also what the integration tests need; none is an empty list. Pure."""
    said = []
    if machine.architecture not in ARCHITECTURES:
        said.append(f"Images are made for x86-64 and 64-bit ARM only; this machine is {machine.architecture}.")
    said += _registry_problems(machine, tests=tests) if machine.registry else _offline_problems(machine)
    if not machine.writable:
        said.append("The cache folder cannot be written: set XDG_CACHE_HOME to a folder that can.")
    builds = tests or not machine.registry or not machine.kubectl
    return said + too_small(machine.rooms, needs(builds=builds))


def _registry_problems(machine: Machine, *, tests: bool) -> list[str]:
    """What the way with a registry needs: two programs and, for the integration tests, an API server; or a Go to build them with."""
    if machine.go and machine.go >= OLDEST_GO:
        return []
    missing = [name for name, present in (("kind", machine.kind), ("kubectl", machine.kubectl)) if not present]
    if machine.go is None:
        lack = "Go is not installed"
        said = [f"Neither {name} nor Go is installed: install {name}, or Go 1.21 or newer to build it with." for name in missing]
    else:
        lack = f"Go {'.'.join(map(str, machine.go))} is too old"
        said = [f"{name} is not installed, and {lack} to build it: install {name}, or Go 1.21 or newer." for name in missing]
    if tests:
        said.append(f"{lack}, and the integration tests need an API server that is built with it: install Go 1.21 or newer.")
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


def examine(places: Places, engines: EngineControl, kubectl: Path | None) -> Machine:
    """Look at this machine; `kubectl` is the one that would be used without building it."""
    engine = engines.find()
    # An engine of ours was started because nothing else was there: it needs what it needed then.
    registry = engine is not None and engine.registry_answers()
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        debian=all(map(shutil.which, ("apt-get", "dpkg", "dpkg-query"))),
        root=os.geteuid() == 0,
        mounts=not STATUS.exists() or not lacks(STATUS.read_text(), CAP_SYS_ADMIN),
        go=go_version(ask(["go", "version"]) or ""),
        kind=shutil.which("kind") is not None,
        kubectl=kubectl is not None,
        engine=engine is not None,
        registry=registry,
        rooms=rooms(places, engine),
        writable=os.access(nearest(places.root), os.W_OK),
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
