import os
import socket
from pathlib import Path

import pytest

from modelsafeguard.measure import folder as reading


def symlink_out(folder):
    (folder / "model" / "link").symlink_to("/etc/passwd")


def symlink_in(folder):
    (folder / "link").symlink_to("metrics.json")


def symlinked_folder(folder):
    (folder / "folder").symlink_to("/etc")


def metrics_symlink(folder):
    (folder / "metrics.json").unlink()
    (folder / "metrics.json").symlink_to("/etc/passwd")


def metrics_folder(folder):
    (folder / "metrics.json").unlink()
    (folder / "metrics.json").mkdir()


def hard_link(folder):
    outside = folder.parent.parent.parent / "outside"
    outside.write_text("not the trainer's")
    os.link(outside, folder / "model" / "stolen")


def pipe(folder):
    os.mkfifo(folder / "model" / "pipe")


def metrics_pipe(folder):
    (folder / "metrics.json").unlink()
    os.mkfifo(folder / "metrics.json")


def unix_socket(folder):
    here = Path.cwd()
    os.chdir(folder)  # a socket's path has at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("socket")
    finally:
        os.chdir(here)


def device(folder):
    try:
        os.mknod(folder / "null", 0o20666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root can make a device")


def set_user_id(folder):
    (folder / "tool").write_text("#!/bin/sh")
    (folder / "tool").chmod(0o4755)


def set_group_id(folder):
    (folder / "tool").write_text("#!/bin/sh")
    (folder / "tool").chmod(0o2755)


def line_feed_in_name(folder):
    (folder / "a\nb").write_text("")


def escape_in_name(folder):
    (folder / "a\x1b[31mb").write_text("")


def reversed_name(folder):
    (folder / "a\u202egpj.exe").write_text("")


def arabic_letter_mark_in_name(folder):
    (folder / "a\u061cb").write_text("")


def soft_hyphen_in_name(folder):
    (folder / "a\u00adb").write_text("")


def tag_characters_in_name(folder):
    (folder / "a\U000e0041b").write_text("")


def not_utf8_name(folder):
    (folder / os.fsdecode(b"a\xff")).write_text("")


def own_manifest(folder):
    (folder / "safeguard-manifest.json").write_text("{}")


def manifest_folder(folder):
    (folder / "safeguard-manifest.json").mkdir()


def too_many_files(folder):
    for number in range(60):
        (folder / str(number)).write_text("")


def too_deep(folder):
    for _ in range(40):
        folder = folder / "d"
        folder.mkdir()


def larger_than_the_volume(folder):
    with (folder / "sparse").open("wb") as file:
        file.truncate(1 << 43)


@pytest.mark.parametrize(
    ("misbehave", "sentence"),
    [
        pytest.param(symlink_out, "'model/link' is a symbolic link", id="a link out of the volume"),
        pytest.param(symlink_in, "'link' is a symbolic link", id="a link within the folder"),
        pytest.param(symlinked_folder, "'folder' is a symbolic link", id="a folder that is a link"),
        pytest.param(metrics_symlink, "'metrics.json' is a symbolic link", id="metrics.json is a link"),
        pytest.param(metrics_folder, "'metrics.json' is not a regular file", id="metrics.json is a folder"),
        pytest.param(hard_link, "'model/stolen' has a second name elsewhere", id="a hard link to a file elsewhere"),
        pytest.param(pipe, "'model/pipe' is a device, a pipe or a socket", id="a pipe"),
        pytest.param(metrics_pipe, "'metrics.json' is a device, a pipe or a socket", id="metrics.json is a pipe"),
        pytest.param(unix_socket, "'socket' is a device, a pipe or a socket", id="a socket"),
        pytest.param(device, "'null' is a device, a pipe or a socket", id="a device"),
        pytest.param(set_user_id, "'tool' has the set-user-id or set-group-id bit", id="a set-user-id file"),
        pytest.param(set_group_id, "'tool' has the set-user-id or set-group-id bit", id="a set-group-id file"),
        pytest.param(line_feed_in_name, r"'a\nb' has control characters", id="a line feed in a name"),
        pytest.param(escape_in_name, r"'a\x1b[31mb' has control characters", id="an escape sequence in a name"),
        pytest.param(reversed_name, r"'a\u202egpj.exe' has control characters or invisible", id="a name that reads backwards"),
        pytest.param(arabic_letter_mark_in_name, r"'a\u061cb' has control characters or invisible", id="a direction mark in a name"),
        pytest.param(soft_hyphen_in_name, r"'a\xadb' has control characters or invisible", id="a hyphen that is not shown in a name"),
        pytest.param(tag_characters_in_name, r"'a\U000e0041b' has control characters or invisible", id="tag characters in a name"),
        pytest.param(not_utf8_name, r"'a\udcff' has a name that is not UTF-8", id="a name that is not UTF-8"),
        pytest.param(own_manifest, "that name is kept for measure's own", id="a manifest of the trainer's own"),
        pytest.param(manifest_folder, "that name is kept for measure's own", id="a folder with the manifest's name"),
        pytest.param(too_many_files, "more than 50 files and folders", id="too many files"),
        pytest.param(too_deep, "more than 32 deep", id="folders that are too deep"),
        pytest.param(larger_than_the_volume, "larger than the whole volume", id="a sparse file larger than the volume"),
    ],
)
def test_what_no_model_needs_fails_with_a_sentence_publishes_nothing_and_loses_nothing(world, monkeypatch, misbehave, sentence):
    monkeypatch.setattr(reading, "MAX_ENTRIES", 50)
    misbehave(world.trained())
    before = world.files()

    failure = world.publish()

    assert (failure.reason, world.status) == ("ModelFolderInvalid", 1)
    assert sentence in failure.message
    assert world.files() == before
    assert not world.version().exists()
    if (world.store / "outside").exists():
        assert (world.store / "outside").stat().st_mode & 0o777 == 0o644, "what the link points to is not touched"


@pytest.mark.parametrize(
    "name",
    ["ümlaut.bin", "with space.bin", "-rf", ".hidden", "模型.bin", "a" * 255, "quote'\".bin", "back\\slash"],
)
def test_unusual_names_of_plain_files_are_published(world, name):
    (world.trained() / name).write_text("content")

    report = world.publish()

    assert (world.version() / name).read_text() == "content"
    assert world.verify(digest=report.manifest_digest) == ""


def test_empty_folders_and_read_only_folders_are_published(world):
    folder = world.trained()
    (folder / "empty" / "below").mkdir(parents=True)
    (folder / "empty").chmod(0o555)

    world.publish()

    assert (world.version() / "empty" / "below").is_dir()


@pytest.mark.parametrize("names", [32, 33])
def test_a_path_of_32_names_is_published_and_a_longer_one_is_not(world, names):
    folder = world.trained().joinpath(*["d"] * (names - 1))
    folder.mkdir(parents=True)
    (folder / "file").write_text("")

    outcome = world.publish()

    assert getattr(outcome, "reason", "") == ("" if names == 32 else "ModelFolderInvalid")


def test_a_volume_that_does_not_know_its_own_size_bounds_no_file(world, monkeypatch):
    """Some file systems in user space answer 0 blocks to every question about room."""
    world.trained()
    monkeypatch.setattr(os, "fstatvfs", lambda _: os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255)))

    assert world.publish().version == "v-2"
