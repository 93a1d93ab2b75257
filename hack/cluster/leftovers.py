"""What is left of an engine that was killed: its helpers, the processes of its containers, their cgroups."""

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

HELPERS = {"dockerd", "containerd", "containerd-shim-runc-v2", "docker-proxy"}
CGROUPS = Path("/sys/fs/cgroup")


def processes(run: Path, cgroup: str) -> list[int]:
    """Ids of the engine's processes, which have its run folder on their command line, and of its containers', which are in its cgroup."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _belongs(entry, run, cgroup)]


def kill(ids: list[int]) -> None:
    """End processes at once."""
    for each in ids:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def remove_cgroups(cgroup: str) -> None:
    """Remove the engine's cgroups, children before parents: under each controller (cgroup v1), and at the top (v2)."""
    for top in (*CGROUPS.glob(f"*{cgroup}"), CGROUPS / cgroup.lstrip("/")):
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):  # a process that is just ending may still be in it
                Path(folder).rmdir()


def _belongs(entry: Path, run: Path, cgroup: str) -> bool:
    try:
        words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        cgroups = (entry / "cgroup").read_text()
    except OSError:  # it has just ended
        return False
    helper = Path(words[0]).name in HELPERS and any(f"{run}/" in word for word in words)
    return helper or in_cgroup(cgroups, cgroup)


def in_cgroup(listing: str, cgroup: str) -> bool:
    """Read from the text of /proc/<pid>/cgroup whether a process is in a cgroup or below it."""
    return re.search(rf":{re.escape(cgroup)}(/|$)", listing, re.MULTILINE) is not None
