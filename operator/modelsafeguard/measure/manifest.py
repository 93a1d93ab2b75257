"""safeguard-manifest.json: which files a published version has. Its own sha256 is the version's identity (``MODEL_DIGEST``)."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from modelsafeguard.core.contract import MANIFEST_FILE, VERSIONS
from modelsafeguard.core.text import printable
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.folder import FileFact, hash_file, listing, open_path, read_bounded

SCHEMA: Final = 1
MAX_BYTES: Final = 8 << 20  # 10,000 entries with paths of some 700 characters each


def render_new(version: str, files: Mapping[str, FileFact]) -> bytes:
    """As ``render``, for a version that is about to be published.

    Raises:
        MeasureError: ModelFolderInvalid, when ``verify`` would refuse to read this manifest: nobody could roll back to the version.
    """
    manifest = render(version, files)
    if len(manifest) > MAX_BYTES:
        raise MeasureError(
            Reason.MODEL_FOLDER_INVALID,
            f"The trainer's folder cannot be published: the list of its files would have {len(manifest)} bytes, more than {MAX_BYTES}; "
            "use fewer files or shorter paths",
        )
    return manifest


def render(version: str, files: Mapping[str, FileFact]) -> bytes:
    """The manifest's bytes: equal for equal files."""
    entries = {path: {"sha256": fact.sha256, "size": fact.size} for path, fact in files.items()}
    return json.dumps({"schema": SCHEMA, "version": version, "files": entries}, sort_keys=True, separators=(",", ":")).encode()


def digest_of(manifest: bytes) -> str:
    """The manifest's digest, in the form of reports and status."""
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def verify(store: int, version: str, digest: str) -> None:
    """Compare a published version's folder with its manifest, file by file, and the manifest with ``digest``.

    Raises:
        MeasureError: VersionDamaged, with the first difference.
    """
    try:
        with open_path(f"{VERSIONS}/{version}", store) as folder:
            fault = _difference(folder, version, digest)
    except (FileNotFoundError, NotADirectoryError) as error:
        fault = f"{printable(str(error.filename))} is not there"
    except MeasureError as error:
        fault = str(error)
    if fault:
        raise MeasureError(
            Reason.VERSION_DAMAGED, f"The published version {version} is not what it was: {fault}. It must not be served; train it again"
        )


def _difference(folder: int, version: str, digest: str) -> str:
    manifest = read_bounded(MANIFEST_FILE, folder, MAX_BYTES)
    if manifest is None or digest_of(manifest) != digest:
        return f"its {MANIFEST_FILE} does not have the recorded digest {digest}"
    present = listing(folder, ours=1)  # the manifest itself
    files = {path: hash_file(path, folder) for path in present.files if path != MANIFEST_FILE}
    if render(version, files) == manifest:
        return ""
    recorded = json.loads(manifest)["files"]
    for path in sorted({*recorded, *files}):
        found = files.get(path)
        if path not in recorded:
            return f"{printable(path)} was added"
        if found is None:
            return f"{printable(path)} is missing"
        if {"sha256": found.sha256, "size": found.size} != recorded[path]:
            return f"{printable(path)} was changed"
    return f"its {MANIFEST_FILE} is about another version"
