"""What somebody changes in the folder while the server starts is never run: unpickling runs the file's own code."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest

from trainer import model as loading
from trainer.model import MODEL_FILE, MODEL_MANIFEST
from trainer.server import service as serving
from trainer.server.config import Config
from trainer.server.service import Service

MARKER = "the-pickle-was-run"


class CreatesAFile:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (Path.touch, (self.marker,))


@pytest.fixture
def marker(tmp_path):
    return tmp_path / MARKER


@pytest.fixture
def service(published):
    variables = {"MODEL_DIR": str(published.folder), "MODEL_VERSION": published.version, "MODEL_DIGEST": published.digest}
    return Service(Config.from_environment({"MODEL_NAME": "intents"} | variables))


@pytest.fixture
def swap(published, marker):
    """Put another model file there, with the sha256 that belongs to it in the trainer's own manifest beside it."""

    def swap():
        content = pickle.dumps(CreatesAFile(marker))
        (published.folder / MODEL_FILE).write_bytes(content)
        manifest = json.loads((published.folder / MODEL_MANIFEST).read_bytes())
        manifest["files"][MODEL_FILE] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        (published.folder / MODEL_MANIFEST).write_text(json.dumps(manifest))

    return swap


def test_a_swapped_model_file_creates_its_file_when_it_is_unpickled(swap, published, marker):
    """That the others mean something: unchecked, this very folder does run code."""
    swap()
    with pytest.raises(loading.ModelError, match="cannot be loaded"):
        loading.load_model(published.folder)
    assert marker.exists()


def test_a_model_file_that_only_its_own_manifest_vouches_for_is_refused_before_anything_is_unpickled(service, swap, marker):
    swap()
    service.load()
    assert "was changed after it was published: model.joblib" in service.not_ready
    assert not marker.exists()


@pytest.mark.parametrize("both", [True, False], ids=["with its own manifest", "alone"])
def test_a_model_file_that_is_swapped_right_after_the_folder_was_verified_is_refused(service, swap, marker, monkeypatch, both):
    verify, own_manifest = serving.verify_folder, service.config.model_dir / MODEL_MANIFEST
    own = own_manifest.read_bytes()

    def verify_then_swap(*args, **kwargs):
        verified = verify(*args, **kwargs)
        swap()
        if not both:
            own_manifest.write_bytes(own)
        return verified

    monkeypatch.setattr(serving, "verify_folder", verify_then_swap)
    service.load()
    first = MODEL_MANIFEST if both else MODEL_FILE
    assert service.not_ready == f"Version v1 was changed after it was published: {first} is not the file of its manifest."
    assert not marker.exists()


def test_a_model_file_that_is_swapped_after_it_was_read_makes_no_difference(service, swap, model, marker, monkeypatch):
    """The bytes that were compared are the bytes that are loaded: no file is opened a second time."""
    read = loading.read_model_files

    def read_then_swap(*args):
        files = read(*args)
        swap()
        return files

    monkeypatch.setattr(loading, "read_model_files", read_then_swap)
    service.load()
    assert service.not_ready is None
    assert service.model.digest == model.digest
    assert not marker.exists()
