"""As in a pod: an unprivileged user, in folders that kubelet has made for root with the mode of the volume's root.

Root passes every permission check, so these stories run in a process that has given its rights away. That process is a fork of this
very file run as a program, which has published once before: Python has then loaded all that it needs, for the test's interpreter
may lie in a folder that only root can enter.
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.storage import METRICS, Storage

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

TRAINER = 65532
PUBLISHED = [
    "reports/v-2.html",
    "reports/v-2.json",
    "versions/v-2/metrics.json",
    "versions/v-2/model/below/weights.bin",
    "versions/v-2/safeguard-manifest.json",
]
STAGED = ["staging/v-2/pod-2/metrics.json", "staging/v-2/pod-2/model/below/weights.bin"]


@pytest.fixture(scope="module")
def server():
    environ = {"PYTHONPATH": ":".join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def volume():
    """A folder that other users can enter: pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@pytest.fixture
def play(server, volume):
    """Play a story of this file on the volume: the last failure's reason and message, and the files below the storage path."""

    def play(story, *arguments):
        server.stdin.write(json.dumps([str(volume), story.__name__, arguments]) + "\n")
        server.stdin.flush()
        reason, message, files = json.loads(server.stdout.readline())
        assert reason != "StoryFailed", message
        if reason == "NoMounts":
            pytest.skip("this machine lets nobody mount a file system")
        return reason, message, files

    return play


def kubelet_makes(path, mode=0o777):
    for folder in (path.parent, path):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(mode)


def fill(folder):
    (folder / "model" / "below").mkdir(parents=True)
    (folder / "model" / "below" / "weights.bin").write_bytes(b"w")
    (folder / "metrics.json").write_text(json.dumps(METRICS))


def become(uid):
    os.setgroups([TRAINER])
    os.setgid(uid)
    os.setuid(uid)


def as_user(uid, function, *arguments):
    if os.fork() == 0:
        become(uid)
        function(*arguments)
        os._exit(0)
    os.wait()


def publish_what_the_trainer_wrote(world, mode):
    kubelet_makes(world.staging(), mode)
    become(TRAINER)
    fill(world.staging())
    return world.publish()


@pytest.mark.parametrize("mode", [0o777, 0o2777, 0o1777], ids=["plain", "set-group-id", "sticky"])
def test_what_the_trainer_wrote_into_kubelets_folder_is_published(play, volume, mode):
    reason, _, files = play(publish_what_the_trainer_wrote, mode)

    assert (reason, files) == ("Published", PUBLISHED)
    top = volume / "store" / "versions" / "v-2"
    assert {path.stat().st_uid for path in (top, *top.rglob("*"))} == {TRAINER}
    assert {path.stat().st_mode & 0o222 for path in (top, *top.rglob("*"))} == {0}, "nobody may write"


def publish_private_and_read_only_folders(world):
    kubelet_makes(world.staging())
    become(TRAINER)
    fill(world.staging())
    (world.staging() / "metrics.json").chmod(0o600)
    (world.staging() / "model" / "below").chmod(0o500)
    (world.staging() / "model").chmod(0o500)
    return world.publish()


def test_folders_that_the_trainer_made_read_only_or_private_are_published(play):
    reason, _, files = play(publish_private_and_read_only_folders)

    assert (reason, files) == ("Published", PUBLISHED)


def publish_twice_read_and_prune(world):
    kubelet_makes(world.staging())
    kubelet_makes(world.staging("v-3", "pod-3"))
    become(TRAINER)
    fill(world.staging())
    fill(world.staging("v-3", "pod-3"))
    (world.staging("v-3", "pod-3") / "model").chmod(0)
    first = world.publish()
    assert first == world.publish() == world.read()
    assert world.prune("v-2", "v-3") == ""
    return world.read()


def test_publishing_again_reading_and_pruning_work_as_that_user_too(play):
    reason, _, files = play(publish_twice_read_and_prune)

    assert (reason, files) == ("ReportMissing", ["reports/v-2.html", "reports/v-2.json"])


def publish_what_another_user_wrote(world):
    kubelet_makes(world.staging())
    as_user(1234, fill, world.staging())
    become(TRAINER)
    return world.publish()


def test_files_of_another_user_are_not_published_and_the_sentence_says_why(play):
    reason, message, files = play(publish_what_another_user_wrote)

    assert (reason, files) == ("VolumeUnwritable", STAGED)
    assert "let the trainer run as the pod's own user" in message


def publish_an_unreadable_file(world):
    kubelet_makes(world.staging())
    become(TRAINER)
    fill(world.staging())
    (world.staging() / "metrics.json").chmod(0)
    return world.publish()


def test_files_that_the_trainer_made_unreadable_are_not_published(play):
    reason, message, files = play(publish_an_unreadable_file)

    assert (reason, files) == ("VolumeUnwritable", STAGED)
    assert "'metrics.json': Permission denied" in message


def publish_where_a_folder_is_closed(world, folder):
    kubelet_makes(world.staging())
    (world.store / folder).chmod(0o755)
    become(TRAINER)
    fill(world.staging())
    return world.publish()


@pytest.mark.parametrize("folder", [".", "staging/v-2"], ids=["its root", "the staging folder"])
def test_a_claim_that_cannot_be_written_is_said_in_a_sentence(play, folder):
    reason, message, files = play(publish_where_a_folder_is_closed, folder)

    assert (reason, files) == ("VolumeUnwritable", STAGED)
    assert "Give that group the volume's root folder with mode 0770" in message


class NoMountsError(Exception):
    """This machine lets nobody mount anything: a container without CAP_SYS_ADMIN."""


CLONE_NEWNS, MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE = 0x20000, 0x1, 0x20, 0x4000, 0x40000


def mount_small_volume(world):
    """A file system of 64 KiB in the storage path's place; it ends with the story's process, which has a mount namespace of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise NoMountsError
    assert libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0, os.strerror(ctypes.get_errno())
    assert libc.mount(b"tmpfs", bytes(world.store), b"tmpfs", 0, b"size=64k,mode=777") == 0, os.strerror(ctypes.get_errno())
    kubelet_makes(world.store / "staging")
    kubelet_makes(world.staging())
    return libc


def publish_on_a_full_volume(world, free_blocks):
    mount_small_volume(world)
    become(TRAINER)
    fill(world.staging())
    for name in ("versions", "reports"):
        (world.store / name).mkdir()
    with (world.store / "ballast").open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            ballast.truncate(ballast.tell() - free_blocks * 4096)
    return world.publish()


@pytest.mark.parametrize("free_blocks", [0, 1], ids=["not one block is free", "the manifest still fits, the report does not"])
def test_a_full_volume_is_said_in_a_sentence_and_nothing_is_lost(play, free_blocks):
    reason, message, files = play(publish_on_a_full_volume, free_blocks)

    assert (reason, files) == ("VolumeFull", ["ballast", *STAGED])
    assert "Enlarge the claim or keep fewer versions" in message


def publish_on_a_read_only_volume(world):
    libc = mount_small_volume(world)
    fill(world.staging())
    assert libc.mount(b"tmpfs", bytes(world.store), b"tmpfs", MS_REMOUNT | MS_RDONLY, None) == 0, os.strerror(ctypes.get_errno())
    become(TRAINER)
    return world.publish()


def test_a_read_only_claim_is_said_in_a_sentence(play):
    reason, message, files = play(publish_on_a_read_only_volume)

    assert (reason, files) == ("VolumeUnwritable", STAGED)
    assert "do not mount the claim read-only" in message


def tell(root, story, arguments):
    """In the story's own process: play it, and say how it ended."""
    root.chmod(0o755)
    world = Storage(root)
    for folder in (world.store, world.store / "staging"):
        folder.chmod(0o777)
    (root / "log").mkdir()
    (root / "log").chmod(0o777)
    world.termination_log = root / "log" / "termination-log"
    try:
        outcome = globals()[story](world, *arguments)
        ending = [getattr(outcome, "reason", "Published"), getattr(outcome, "message", ""), world.files()]
    except NoMountsError:
        ending = ["NoMounts", "", []]
    except Exception as error:  # noqa: BLE001 - whatever it is, the test process must be told
        ending = ["StoryFailed", repr(error), []]
    sys.stdout.write(json.dumps(ending) + "\n")
    sys.stdout.flush()


def serve():
    with tempfile.TemporaryDirectory() as path:
        warm = Storage(Path(path))
        warm.trained()
        warm.publish()
        warm.publish()
        warm.read()
        warm.prune("v-2")
    for line in sys.stdin:
        root, story, arguments = json.loads(line)
        if os.fork() == 0:
            tell(Path(root), story, arguments)
            os._exit(0)
        os.wait()


if __name__ == "__main__":
    serve()
