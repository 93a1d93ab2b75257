import hashlib
import json
import os
from dataclasses import replace

import pytest

from trainer.errors import ModelError
from trainer.model import MODEL_FILE
from trainer.server import service as serving
from trainer.server.config import Config, ConfigError
from trainer.server.integrity import verify_folder
from trainer.server.service import Service

MANIFEST = "safeguard-manifest.json"


def config(published, **changes):
    settings = Config.from_environment(
        {"MODEL_NAME": "intents", "MODEL_DIR": str(published.folder), "MODEL_VERSION": published.version, "MODEL_DIGEST": published.digest}
    )
    return replace(settings, **changes)


def verify(published):
    verify_folder(published.folder, version=published.version, digest=published.digest)


def with_manifest(published, manifest):
    content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    (published.folder / MANIFEST).write_bytes(content)
    return published._replace(digest="sha256:" + hashlib.sha256(content).hexdigest())


def test_a_folder_as_it_was_published_is_accepted(published):
    verify(published)


def same_size(path):
    path.write_bytes(b"x" * path.stat().st_size)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(
            lambda f: same_size(f / MODEL_FILE), "model.joblib is not the file of its manifest", id="other bytes of the same size"
        ),
        pytest.param(lambda f: os.truncate(f / MODEL_FILE, 9), "model.joblib is not the file of its manifest", id="a file that was cut"),
        pytest.param(lambda f: (f / MODEL_FILE).unlink(), "model.joblib is in its manifest but not in the folder", id="a file less"),
        pytest.param(lambda f: (f / "notes" / "x").touch(), "notes/x is not in its manifest", id="a file more, in a folder below"),
        pytest.param(lambda f: (f / ".x").touch(), r"\.x is not in its manifest", id="a hidden file more"),
        pytest.param(lambda f: (f / MANIFEST).write_text("{}"), "but MODEL_DIGEST is 'sha256:", id="another manifest"),
        pytest.param(lambda f: (f / MANIFEST).unlink(), "is not a published version", id="no manifest: an empty folder that kubelet made"),
        pytest.param(lambda f: (f / "up").symlink_to("/etc/hostname"), "up is a symbolic link that leaves", id="a link out, to a file"),
        pytest.param(lambda f: (f / "up").symlink_to(".."), "up is a symbolic link that leaves", id="a link out, to a folder"),
        pytest.param(lambda f: (f / "in").symlink_to("notes"), "in is not a plain file", id="a link to a folder inside"),
        pytest.param(lambda f: (f / "in").symlink_to("gone"), "in is not a plain file", id="a link to nothing"),
        pytest.param(lambda f: os.mkfifo(f / "pipe"), "pipe is not a plain file", id="a pipe, which would be read for ever"),
    ],
)
def test_any_difference_from_what_was_published_is_named(published, change, complaint):
    change(published.folder)
    with pytest.raises(ModelError, match=complaint):
        verify(published)


def test_a_file_replaced_by_a_link_to_the_same_bytes_elsewhere_is_refused(published, tmp_path):
    (published.folder / MODEL_FILE).rename(tmp_path / "elsewhere")
    (published.folder / MODEL_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="leaves the version's folder"):
        verify(published)


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        pytest.param(b"\xff", "not one that this server can read", id="not JSON"),
        pytest.param([], "not one that this server can read", id="a list"),
        pytest.param({"schema": 1, "version": "v1"}, "not one that this server can read", id="no files"),
        pytest.param({"schema": 2, "version": "v1", "files": {}}, "in a form that this server knows", id="a later schema"),
        pytest.param({"schema": 1, "version": "v2", "files": {}}, "not one of version v1", id="another version's"),
        pytest.param(
            {"schema": 1, "version": "v1", "files": {MODEL_FILE: 7}}, "is not the file of its manifest", id="an entry without a digest"
        ),
    ],
)
def test_a_manifest_with_the_right_digest_must_still_make_sense(published, manifest, complaint):
    with pytest.raises(ModelError, match=complaint):
        verify(with_manifest(published, manifest))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param(
            {"version": "", "digest": ""}, "No model has been rolled out yet", id="neither version nor digest: before the first rollout"
        ),
        pytest.param({"digest": ""}, "MODEL_DIGEST is not set", id="no digest"),
        pytest.param({"version": ""}, "MODEL_VERSION is not set", id="no version"),
        pytest.param({"version": "v2"}, "not one of version v2", id="another version"),
        pytest.param({"digest": "sha256:" + "0" * 64}, "but MODEL_DIGEST is", id="another digest"),
    ],
)
def test_a_server_told_something_else_than_what_is_mounted_is_not_ready_and_says_why(published, changes, complaint, caplog):
    service = Service(config(published, **changes))
    service.load()
    assert service.model is None
    assert complaint in service.not_ready
    assert caplog.messages == [f"Not ready, and will not be: {service.not_ready}"]


def test_a_published_model_that_cannot_be_loaded_is_not_ready_and_says_why(published):
    """What was published is whole, and still no model: the trainer's own manifest shows it."""
    os.truncate(published.folder / MODEL_FILE, 1000)
    manifest = json.loads((published.folder / MANIFEST).read_bytes())
    content = (published.folder / MODEL_FILE).read_bytes()
    manifest["files"][MODEL_FILE] = {"sha256": hashlib.sha256(content).hexdigest(), "size": 1000}
    broken = with_manifest(published, manifest)
    verify(broken)
    service = Service(config(broken))
    service.load()
    assert "model.joblib" in service.not_ready
    assert "is damaged" in service.not_ready


def test_an_error_that_nobody_foresaw_is_said_too_and_its_traceback_is_in_the_log(published, monkeypatch, caplog):
    def fails(*_, **__):
        raise MemoryError

    monkeypatch.setattr(serving, "verify_folder", fails)
    service = Service(config(published))
    service.load()
    assert service.not_ready == "Version v1 could not be loaded (MemoryError): the server's log says more."
    assert "Traceback" in caplog.text


def test_a_server_says_that_it_is_loading_until_it_has_loaded(published):
    service = Service(config(published))
    assert service.not_ready == "The model is being verified and loaded."
    service.load()
    assert service.not_ready is None


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        pytest.param({}, "MODEL_NAME", id="no name"),
        pytest.param({"MODEL_NAME": "a/b"}, "MODEL_NAME", id="a name that is no part of an address"),
        pytest.param({"MODEL_NAME": "a", "PORT": "http"}, "PORT must be a number from 0 to 65535", id="a port that is no number"),
        pytest.param({"MODEL_NAME": "a", "PORT": "70000"}, "PORT must be", id="a port too large"),
        pytest.param({"MODEL_NAME": "a", "DRAIN_SECONDS": "-1"}, "DRAIN_SECONDS must be", id="a negative time"),
        pytest.param({"MODEL_NAME": "a", "DRAIN_SECONDS": "nan"}, "DRAIN_SECONDS must be", id="a time that is not a number"),
        pytest.param({"MODEL_NAME": "a", "MODEL_VERSION": "v\r\nX: y"}, "MODEL_VERSION", id="a version that would forge a header"),
    ],
)
def test_an_environment_that_describes_no_server_is_refused_in_a_sentence(environment, complaint):
    with pytest.raises(ConfigError, match=complaint):
        Config.from_environment(environment)
