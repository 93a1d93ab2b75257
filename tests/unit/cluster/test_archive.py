import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.archive import Image, program_layer, write


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o600)
    return program_layer(tmp_path / "layer.tar", {"/usr/local/bin/tool": program})


def read(path: Path) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    with tarfile.open(path) as archive:
        content = {member.name: archive.extractfile(member).read() for member in archive}
    return json.loads(content["manifest.json"]), content


def test_every_part_is_named_by_its_own_digest(tmp_path: Path, layer: Path):
    write(tmp_path / "image.tar", [Image("owner/tool:1", (layer,), {"Entrypoint": ["/usr/local/bin/tool"]})], "amd64")
    [entry], content = read(tmp_path / "image.tar")
    assert entry["RepoTags"] == ["owner/tool:1"]
    for name in [entry["Config"], *entry["Layers"]]:
        assert name.partition(".")[0] == hashlib.sha256(content[name]).hexdigest()
    config = json.loads(content[entry["Config"]])
    assert config["architecture"] == "amd64"
    assert config["config"]["Entrypoint"] == ["/usr/local/bin/tool"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer.read_bytes()).hexdigest()}"]


def test_a_layer_that_two_images_share_is_written_once(tmp_path: Path, layer: Path):
    write(tmp_path / "images.tar", [Image("owner/a:1", (layer,)), Image("owner/b:1", (layer,), {"Cmd": ["x"]})], "arm64")
    manifest, content = read(tmp_path / "images.tar")
    assert manifest[0]["Layers"] == manifest[1]["Layers"]
    assert sorted(content) == sorted({"manifest.json", *(entry["Config"] for entry in manifest), manifest[0]["Layers"][0]})


def test_the_same_image_written_twice_is_the_same_bytes(tmp_path: Path, layer: Path):
    for name in ("first.tar", "second.tar"):
        write(tmp_path / name, [Image("owner/tool:1", (layer,))], "amd64")
        layer.touch()
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()


def test_a_program_in_a_layer_is_executable_and_belongs_to_root(layer: Path):
    with tarfile.open(layer) as opened:
        [member] = opened.getmembers()
    assert (member.name, member.mode, member.uid, member.gid, member.uname) == ("usr/local/bin/tool", 0o755, 0, 0, "")
