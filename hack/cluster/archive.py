"""Container images written straight into an archive, without an engine.

The format is the one that `docker save` writes and that `docker load` and `ctr images import` read: `manifest.json`, one configuration
per image, and one plain tar per layer, each named by its sha256.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hack.cluster.cache import digest_file

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CREATED = "2026-01-01T00:00:00Z"  # fixed, so that the same layers are the same image


@dataclass(frozen=True)
class Image:
    """One image: its name with tag, its layers (tar files, lowest first), and what its configuration says beside PATH."""

    name: str
    layers: tuple[Path, ...]
    settings: Mapping[str, object] = field(default_factory=dict)


def write(path: Path, images: Iterable[Image], architecture: str) -> None:
    """Write images into one archive; a layer that several of them share is written once."""
    manifest: list[dict[str, object]] = []
    written: dict[Path, str] = {}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for image in images:
            for layer in image.layers:
                if layer not in written:
                    written[layer] = digest_file(layer)
                    archive.add(layer, arcname=f"{written[layer]}.tar", filter=_anonymous)
            digests = [written[layer] for layer in image.layers]
            config = json.dumps(configuration(image, digests, architecture), sort_keys=True).encode()
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(archive, name, config)
            manifest.append({"Config": name, "RepoTags": [image.name], "Layers": [f"{digest}.tar" for digest in digests]})
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def configuration(image: Image, digests: list[str], architecture: str) -> dict[str, object]:
    """Give an image's configuration in the form of the OCI image specification."""
    return {
        "architecture": architecture,
        "os": "linux",
        "created": CREATED,
        "config": {"Env": [PATH], **image.settings},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created": CREATED, "created_by": "model-safeguard"} for _ in digests],
    }


def program_layer(path: Path, files: Mapping[str, Path]) -> Path:
    """Write a layer that holds executables: `{path in the image: program on this machine}`."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as layer:
        for inside, program in sorted(files.items()):
            layer.add(program, arcname=inside.lstrip("/"), filter=_executable)
    return path


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


def _executable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode = 0o755
    return _anonymous(member)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
