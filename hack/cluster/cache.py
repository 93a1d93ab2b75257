"""Finished products, kept by the content of what they were made from.

`entries/<name>-<key>/` holds `content/` and `seal.json`. The key is a digest of every input (versions, flags, sources); an entry is
written under a temporary name and renamed when it is complete, so a killed run leaves nothing that looks finished. The seal lists each
file's size, time and sha256. A file whose size and time are still those of the seal is believed, any other is read and compared, so a
warm start reads no gigabytes; an entry that does not agree with its seal is made again.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from hack.cluster.mounts import mounts_below
from hack.cluster.progress import ClusterError, say

KEPT = 2  # entries of one name: switching between two versions builds nothing anew


def digest_file(path: Path) -> str:
    """Sha256 of a file, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def digest_tree(root: Path) -> str:
    """Sha256 over the names and contents of all files below a folder, in hex."""
    lines = [f"{path.relative_to(root)} {digest_file(path)}" for path in sorted(root.rglob("*")) if path.is_file()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class Cache:
    """The entries below one folder. Callers hold the tool's lock while they use it."""

    def __init__(self, entries: Path) -> None:
        self.entries = entries

    def entry(self, name: str, inputs: Mapping[str, str], make: Callable[[Path], None]) -> Path:
        """Give the folder with the finished content for these inputs, made by `make(folder)` if it is not there.

        Raises:
            ClusterError: whatever `make` raises; nothing is kept then.
        """
        home = self.entries / f"{name}-{key_of(inputs)}"
        if home.is_dir():
            if sealed(home):
                os.utime(home)
                return home / "content"
            say(f"  ! the cached {name} is damaged and is made again")
            remove_tree(home)
        draft = self.entries / f".draft-{name}"
        remove_tree(draft)
        content = draft / "content"
        content.mkdir(parents=True)
        make(content)
        (draft / "seal.json").write_text(json.dumps(seal(content), indent=1, sort_keys=True))
        draft.rename(home)
        self._forget_old(name)
        return home / "content"

    def finished(self, name: str) -> list[Path]:
        """Give the folders with finished content of a name, newest first, whatever it was made from."""
        return [home / "content" for home in reversed(self._of_name(name)) if sealed(home)]

    def _of_name(self, name: str) -> list[Path]:
        """The entries of a name, oldest first."""
        found = self.entries.glob(f"{name}-*")  # another name may begin with this one
        return sorted((path for path in found if path.name.rpartition("-")[0] == name), key=lambda path: path.stat().st_mtime)

    def _forget_old(self, name: str) -> None:
        """Keep only the newest entries of a name."""
        for old in self._of_name(name)[:-KEPT]:
            remove_tree(old)


def key_of(inputs: Mapping[str, str]) -> str:
    """Sixteen hex digits that stand for these inputs."""
    return hashlib.sha256(json.dumps(dict(inputs), sort_keys=True).encode()).hexdigest()[:16]


def seal(content: Path) -> dict[str, list[int | str]]:
    """Describe every file: `{relative path: [size, modification time in ns, sha256]}`."""
    files = sorted(path for path in content.rglob("*") if path.is_file())
    return {str(path.relative_to(content)): [path.stat().st_size, path.stat().st_mtime_ns, digest_file(path)] for path in files}


def sealed(home: Path) -> bool:
    """Tell whether an entry's content is what its seal says."""
    content = home / "content"
    try:
        recorded = json.loads((home / "seal.json").read_text())
        present = {str(path.relative_to(content)) for path in content.rglob("*") if path.is_file()}
        return present == set(recorded) and all(_agrees(content / name, *facts) for name, facts in recorded.items())
    except (OSError, ValueError, TypeError, AttributeError):
        return False


def _agrees(path: Path, size: int, time_ns: int, digest: str) -> bool:
    found = path.stat()
    return found.st_size == size and (found.st_mtime_ns == time_ns or digest_file(path) == digest)


def remove_tree(path: Path) -> None:
    """Remove a folder of ours with all that is in it; Go's module cache is read-only and is made writable first.

    Raises:
        ClusterError: something is still mounted inside: removing would reach through it into what is not ours.
    """
    if not path.exists():
        return
    if inside := mounts_below(path):
        raise ClusterError(f"{path} cannot be removed: {inside[0]} is still mounted inside it; unmount it and try again.")
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o700)
    shutil.rmtree(path)
