"""A published version that holds a real model: for the model server."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from trainer.model import Model, build_pipeline, save_model

MANIFEST = "safeguard-manifest.json"


class Published(NamedTuple):
    """A version's folder as ``measure`` publishes it, with what a rollout tells the server about it."""

    folder: Path
    version: str
    digest: str


def publish(folder: Path, version: str = "v1") -> Published:
    """Write the manifest of what is in the folder, as docs/architecture.md describes it."""
    files = {
        path.relative_to(folder).as_posix(): {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}
        for path in folder.rglob("*")
        if path.is_file()
    }
    manifest = json.dumps({"schema": 1, "version": version, "files": files}, sort_keys=True, separators=(",", ":")).encode()
    (folder / MANIFEST).write_bytes(manifest)
    return Published(folder, version, "sha256:" + hashlib.sha256(manifest).hexdigest())


@pytest.fixture(scope="session")
def model() -> Model:
    texts = ["where is my parcel", "where is my order", "cancel my order", "please cancel it", "talk to a human", "a human please"]
    intents = ["track", "track", "cancel", "cancel", "human", "human"]
    return Model.from_pipeline(build_pipeline().fit(texts, intents))


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Published:
    """What every test has a copy of."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "notes").mkdir()
    save_model(model, folder, {})
    (folder / "notes" / "card.txt").write_text("for tests")
    return publish(folder)


@pytest.fixture
def published(tmp_path: Path, original: Published) -> Published:
    return original._replace(folder=shutil.copytree(original.folder, tmp_path / "v1"))
