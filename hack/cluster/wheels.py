"""Python wheels for image builds: downloaded here, with their digests checked, so that a build needs no network.

The images have Python 3.11 on glibc 2.36 or newer, whatever Python and system this machine has.
"""

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from hack.cluster.cache import Cache
from hack.cluster.places import REPOSITORY, Places
from hack.cluster.progress import ClusterError, ask, run, say, step

PYTHON = "311"
OLDEST_GLIBC, NEWEST_GLIBC = 17, 36  # minor versions: manylinux2014 to Debian 12
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
TARGET = REPOSITORY / "build" / "wheels"


def platform_tags(machine: str) -> list[str]:
    """Name the platforms whose wheels run in the images on this kind of machine (`platform.machine()`), best first.

    Raises:
        ClusterError: images are not made for it.
    """
    if machine.lower() not in MACHINES:
        raise ClusterError(f"No images are made for machines of type {machine}: x86_64 and aarch64 only.")
    name = MACHINES[machine.lower()]
    return [f"manylinux_2_{minor}_{name}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)] + [f"manylinux2014_{name}"]


def prepare(requirements: Sequence[Path], places: Places, cache: Cache) -> Path:
    """Fill `build/wheels` with the wheels of these requirements files, and with nothing else; gives the folder."""
    tags = platform_tags(platform.machine())
    wanted = {wheel.name: wheel for file in requirements for wheel in _downloaded(file, tags, places, cache).glob("*.whl")}
    TARGET.mkdir(parents=True, exist_ok=True)
    for present in TARGET.iterdir():
        if present.name not in wanted or present.stat().st_size != wanted[present.name].stat().st_size:
            present.unlink()
    for name, wheel in wanted.items():
        if not (TARGET / name).exists():
            _link_or_copy(wheel, TARGET / name)
    say(f"  ✓ {len(wanted)} wheels in {TARGET}")
    return TARGET


def remove() -> None:
    """Remove the wheels that were prepared for builds."""
    if TARGET.exists():
        shutil.rmtree(TARGET)


def _downloaded(requirements: Path, tags: list[str], places: Places, cache: Cache) -> Path:
    """Give the cached folder with the wheels of one requirements file."""
    inputs = {"requirements": requirements.read_text(), "tags": " ".join(tags), "python": PYTHON}

    def make(content: Path) -> None:
        options = ["--require-hashes", "--only-binary=:all:", "--no-deps", f"--python-version={PYTHON}", "--implementation=cp"]
        options += [f"--abi={abi}" for abi in (f"cp{PYTHON}", "abi3", "none")] + [f"--platform={tag}" for tag in tags]
        with step(f"downloading the wheels of {requirements.name}", 20):
            command: list[str | Path] = [*pip(), "download", *options, "--dest", content, "--requirement", requirements]
            run(command, log=places.logs / "wheels.log", env=pip_environment(places))

    return cache.entry(f"wheels-{requirements.stem}", inputs, make)


def pip() -> list[str]:
    """Give the command line of a pip: this Python's, or the development environment's.

    Raises:
        ClusterError: there is none.
    """
    for python in (sys.executable, str(REPOSITORY / ".venv" / "bin" / "python"), shutil.which("python3") or sys.executable):
        if ask([python, "-m", "pip", "--version"]) is not None:
            return [python, "-m", "pip"]
    raise ClusterError("This machine has no pip: install python3-pip, or make the development environment (.venv) first.")


def pip_environment(places: Places) -> dict[str, str]:
    """The environment for every call of pip that downloads: with a cache of its own, so that `clean` can remove it."""
    return dict(os.environ) | {"PIP_CACHE_DIR": str(places.pip)}


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)
