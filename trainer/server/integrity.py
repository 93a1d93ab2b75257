"""Is this folder, file by file, the version that was published under this digest? Asked before anything in it is loaded."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelsafeguard.core import contract
from trainer.errors import ModelError

LARGEST_MANIFEST = 16 << 20


@dataclass(frozen=True)
class Verified:
    """A published version whose folder was found to be exactly what its manifest says; ``files`` is what the manifest says of each."""

    version: str
    files: Mapping[str, Any]

    def check(self, contents: Mapping[str, bytes]) -> None:
        """Return if these are the very bytes that were published; raise :class:`ModelError` otherwise.

        Whoever reads a file of the folder again asks this before using what was read: it may have been swapped since the verification.
        """
        for name, content in contents.items():
            if not _is(self.files.get(name), size=len(content), sha256=hashlib.sha256(content).hexdigest()):
                raise ModelError(_changed(self.version, name))


def verify_folder(folder: Path, *, version: str, digest: str) -> Verified:
    """What was verified, if ``folder`` is exactly the published ``version``; :class:`ModelError` with the first difference otherwise.

    ``digest`` is ``sha256:`` and the hex sha256 of the manifest's bytes; the manifest holds the sha256 and size (bytes) of every other
    file. Nothing may be missing, changed, added, anything but a plain file or folder, or a symbolic link that leads out of the folder.
    """
    listed = _manifest(folder, version, digest)["files"]
    found = {path.relative_to(folder).as_posix(): path for path in _walk(folder)}
    found.pop(contract.MANIFEST_FILE, None)
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            raise ModelError(f"Version {version} is incomplete: {name} is in its manifest but not in the folder.")
        if name not in listed:
            raise ModelError(f"Version {version} was changed after it was published: {name} is not in its manifest.")
        if not _same(found[name], listed[name]):
            raise ModelError(_changed(version, name))
    return Verified(version, listed)


def _changed(version: str, name: str) -> str:
    return f"Version {version} was changed after it was published: {name} is not the file of its manifest."


def _manifest(folder: Path, version: str, digest: str) -> dict[str, Any]:
    path = folder / contract.MANIFEST_FILE
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_MANIFEST)
    except OSError as error:
        raise ModelError(
            f"Version {version} has no readable {contract.MANIFEST_FILE} ({error.strerror}): the mounted folder is not a published version."
        ) from None
    actual = "sha256:" + hashlib.sha256(content).hexdigest()
    if actual != digest:
        raise ModelError(f"The manifest of version {version} has the digest {actual}, but {contract.MODEL_DIGEST} is {digest!r}.")
    try:
        manifest: dict[str, Any] = json.loads(content)
        if manifest["schema"] != 1 or manifest["version"] != version or not isinstance(manifest["files"], dict):
            raise ModelError(f"The manifest in the folder is not one of version {version} in a form that this server knows.")
    except (ValueError, RecursionError, KeyError, TypeError):
        raise ModelError(f"The manifest of version {version} is not one that this server can read.") from None
    return manifest


def _walk(folder: Path) -> Iterator[Path]:
    """Every file below the folder; raises for links that leave it, links to folders, devices and the like, and unreadable folders."""

    def unreadable(error: OSError) -> None:
        raise ModelError(f"The folder {error.filename} cannot be read: {error.strerror}.") from None

    root = folder.resolve()
    for parent, folders, files in os.walk(folder, onerror=unreadable):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise ModelError(f"{path.relative_to(folder)} is a symbolic link that leaves the version's folder.")
            if name in files or path.is_symlink():
                if not path.is_file():
                    raise ModelError(f"{path.relative_to(folder)} is not a plain file.")
                yield path


def _same(path: Path, expected: object) -> bool:
    with path.open("rb") as file:
        return _is(expected, size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _is(expected: object, *, size: int, sha256: str) -> bool:
    return isinstance(expected, dict) and (expected.get("size"), expected.get("sha256")) == (size, sha256)
