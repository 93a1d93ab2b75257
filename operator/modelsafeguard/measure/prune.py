"""Removing old versions: exactly those that are named, never through a symbolic link. Reports stay."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from modelsafeguard.core.contract import STAGING, VERSIONS
from modelsafeguard.measure.folder import entries, exists, open_folder
from modelsafeguard.measure.store import OWN_FOLDER


def prune(store_path: str, versions: Sequence[str]) -> None:
    """Remove ``versions/<version>`` and ``staging/<version>`` of every version. What is gone already is no error. Raises OSError."""
    with open_folder(store_path) as store:
        for folder in (VERSIONS, STAGING):
            with suppress(FileNotFoundError), open_folder(folder, store) as parent:
                for version in versions:
                    with suppress(FileNotFoundError):
                        _remove(version, parent)
                os.fsync(parent)


def _remove(name: str, parent: int) -> None:
    if not _is_folder(name, parent):
        os.unlink(name, dir_fd=parent)
        return
    _make_writable(name, parent)
    with open_folder(name, parent) as root:
        _empty(root)
    os.rmdir(name, dir_fd=parent)


def _empty(root: int) -> None:
    """Remove all that is in a folder. However deep it is, one level and two descriptors are enough.

    A folder within a folder is first moved up here under a new name, so that nothing recurses into what a trainer nested.
    """
    fresh = (f".pruned-{number}" for number in count())
    waiting = entries(root)
    while waiting:
        name = waiting.pop()
        if not _is_folder(name, root):
            os.unlink(name, dir_fd=root)
            continue
        _make_writable(name, root)
        with open_folder(name, root) as folder:
            for below in entries(folder):
                if not _is_folder(below, folder):
                    os.unlink(below, dir_fd=folder)
                    continue
                _make_writable(below, folder)
                moved = next(candidate for candidate in fresh if not exists(candidate, root))
                os.rename(below, moved, src_dir_fd=folder, dst_dir_fd=root)
                waiting.append(moved)
        os.rmdir(name, dir_fd=root)


def _make_writable(name: str, parent: int) -> None:
    """Let us list, empty and move a folder of ours, whatever its mode. One that kubelet made is root's and open to everyone."""
    descriptor = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        with suppress(PermissionError):
            # An O_PATH descriptor needs no permission on the folder, and cannot be given to fchmod(2).
            Path(f"/proc/self/fd/{descriptor}").chmod(OWN_FOLDER)
    finally:
        os.close(descriptor)


def _is_folder(name: str, parent: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
