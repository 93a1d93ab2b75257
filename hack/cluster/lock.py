"""One run at a time: a second one waits, and says for whom."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from hack.cluster.progress import TICK, say

RETRY_SECONDS = 0.2


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file; the kernel lets go of it when the process ends, however it ends."""
    told = time.monotonic() - TICK
    while (held := _taken(path)) is None:
        if time.monotonic() - told >= TICK:
            told = time.monotonic()
            say(f"  … another run (process {_holder(path)}) is at work on this cache; waiting for it to end")
        time.sleep(RETRY_SECONDS)
    with held:
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield


def _taken(path: Path) -> TextIO | None:
    """Take the lock if it is free. `clean` removes the file while it holds it, so a lock on a file that is gone counts for nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    file.close()
    return None


def _holder(path: Path) -> str:
    try:
        return path.read_text().strip() or "unknown"
    except FileNotFoundError:
        return "that is just ending"
