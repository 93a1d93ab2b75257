"""What preflight says of a machine: pure functions, by tables; and how the machine's disks are looked at."""

from pathlib import Path
from typing import Any

import pytest

from hack.cluster import disk, preflight
from hack.cluster.disk import CACHE, CHECKOUT, DOCKER, Room, too_small
from hack.cluster.places import Places
from hack.cluster.preflight import Machine, go_version, problems


def one_disk(free: int, made: int = 0) -> tuple[Room, ...]:
    """Everything on one disk."""
    return (Room(CACHE, 1, free, made), Room(DOCKER, 1, free), Room(CHECKOUT, 1, free))


FRESH_DEBIAN: dict[str, Any] = {
    "system": "Linux",
    "architecture": "x86_64",
    "debian": True,
    "root": True,
    "mounts": True,
    "go": (1, 26),
    "kind": False,
    "kubectl": False,
    "engine": False,
    "registry": False,
    "rooms": one_disk(50_000_000_000),
    "writable": True,
    "overlay": True,
}
LAPTOP: dict[str, Any] = FRESH_DEBIAN | {
    "system": "Darwin",
    "architecture": "arm64",
    "debian": False,
    "root": False,
    "go": None,
    "kind": True,
    "kubectl": True,
    "engine": True,
    "registry": True,
}
NOTHING_TO_BUILD_WITH = LAPTOP | {"kind": False, "kubectl": False}


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        pytest.param(FRESH_DEBIAN, [], id="a fresh Debian with root and Go can do it all by itself"),
        pytest.param(LAPTOP, [], id="a laptop with docker, kind and a registry needs neither Debian nor root nor Go"),
        pytest.param(FRESH_DEBIAN | {"root": False}, ["needs root"], id="without root no engine can be started"),
        pytest.param(FRESH_DEBIAN | {"mounts": False}, ["lacks CAP_SYS_ADMIN"], id="root in a container cannot start an engine"),
        pytest.param(FRESH_DEBIAN | {"go": None}, ["Go is not installed"], id="without Go nothing can be built"),
        pytest.param(FRESH_DEBIAN | {"go": (1, 19)}, ["Go 1.19 is too old"], id="Debian 12's own Go is too old"),
        pytest.param(FRESH_DEBIAN | {"go": (1, 21)}, [], id="a Go that can fetch a newer one will do"),
        pytest.param(FRESH_DEBIAN | {"debian": False}, ["needs Debian"], id="another Linux without an engine"),
        pytest.param(
            LAPTOP | {"registry": False, "engine": False}, ["no docker engine answers"], id="a laptop whose docker is not running"
        ),
        pytest.param(LAPTOP | {"registry": False}, ["no container registry answers"], id="a laptop that is offline"),
        pytest.param(
            LAPTOP | {"kind": False}, ["Neither kind nor Go is installed: install kind"], id="a laptop without kind and without Go"
        ),
        pytest.param(
            LAPTOP | {"kubectl": False}, ["Neither kubectl nor Go is installed: install kubectl"], id="... without kubectl and Go"
        ),
        pytest.param(NOTHING_TO_BUILD_WITH | {"go": (1, 22)}, [], id="a laptop with Go can build kind and kubectl"),
        pytest.param(
            NOTHING_TO_BUILD_WITH | {"go": (1, 19)},
            ["kind is not installed, and Go 1.19 is too old to build it", "kubectl is not installed, and Go 1.19 is too old"],
            id="a laptop whose Go is too old cannot",
        ),
        pytest.param(FRESH_DEBIAN | {"rooms": one_disk(9_000_000_000)}, ["only 9.0 GB are free"], id="too little disk"),
        pytest.param(FRESH_DEBIAN | {"rooms": one_disk(9_000_000_000, 5_000_000_000)}, [], id="too little disk, were it not made already"),
        pytest.param(LAPTOP | {"rooms": one_disk(7_000_000_000)}, [], id="a pulled node image needs less disk"),
        pytest.param(
            LAPTOP | {"go": (1, 26), "kubectl": False, "rooms": one_disk(7_000_000_000)}, ["About 13 GB"], id="to build kubectl needs more"
        ),
        pytest.param(FRESH_DEBIAN | {"writable": False}, ["cannot be written"], id="a home that is not the user's"),
        pytest.param(FRESH_DEBIAN | {"overlay": False}, ["no overlayfs"], id="a kernel without overlayfs"),
        pytest.param(FRESH_DEBIAN | {"architecture": "riscv64"}, ["this machine is riscv64"], id="another processor"),
        pytest.param(
            FRESH_DEBIAN | {"root": False, "go": None}, ["needs root", "Go is not"], id="everything that is wrong is said at once"
        ),
    ],
)
def test_preflight_says_what_cannot_work(machine: dict[str, Any], said: list[str]):
    found = problems(Machine(**machine))
    assert len(found) == len(said)
    for sentence, part in zip(found, said, strict=True):
        assert part in sentence
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        pytest.param(FRESH_DEBIAN, [], id="a fresh Debian has what both need"),
        pytest.param(
            FRESH_DEBIAN | {"go": None}, ["Go is not installed, and Kubernetes has to be built"], id="what both lack is said once"
        ),
        pytest.param(LAPTOP | {"go": (1, 26)}, [], id="a laptop with Go"),
        pytest.param(LAPTOP, ["Go is not installed, and the integration tests need an API server"], id="a laptop without Go"),
        pytest.param(LAPTOP | {"go": (1, 20)}, ["Go 1.20 is too old, and the integration tests need"], id="a laptop whose Go is too old"),
        pytest.param(LAPTOP | {"go": (1, 26), "rooms": one_disk(7_000_000_000)}, ["About 13 GB"], id="an API server takes room to build"),
    ],
)
def test_preflight_for_the_tests_asks_for_an_api_server_as_well(machine: dict[str, Any], said: list[str]):
    found = problems(Machine(**machine), tests=True)
    assert [part in sentence for sentence, part in zip(found, said, strict=True)] == [True] * len(said)


@pytest.mark.parametrize(
    ("rooms", "said"),
    [
        pytest.param((Room(CACHE, 1, 2), Room(DOCKER, 2, 2), Room(CHECKOUT, 3, 2)), [], id="each has a disk that is large enough"),
        pytest.param(
            (Room(CACHE, 1, 2), Room(DOCKER, 1, 2), Room(CHECKOUT, 3, 2)),
            ["3 GB of disk are needed for the cache folder and the container engine, and only 2.0 GB are free there: make room, or set"],
            id="two share one that is large enough for either",
        ),
        pytest.param(
            (Room(CACHE, 1, 2), Room(DOCKER, 2, 1), Room(CHECKOUT, 3, 2)),
            ["About 2 GB of disk are needed for the container engine, and only 1.0 GB are free there: make room."],
            id="docker's own is too small, which another cache folder would not change",
        ),
        pytest.param((Room(CACHE, 1, 2), Room(DOCKER, 2, 0, 2), Room(CHECKOUT, 3, 2)), [], id="what is made already needs no room"),
        pytest.param(
            (Room(CACHE, 1, 2), Room(CHECKOUT, 3, 0)),
            ["for the repository, and only 0.0 GB are free"],
            id="the repository's, and docker's cannot be seen",
        ),
    ],
)
def test_every_disk_that_is_written_to_is_looked_at(rooms: tuple[Room, ...], said: list[str]):
    in_bytes = [Room(room.use, room.disk, room.free * 10**9, room.made * 10**9) for room in rooms]
    found = too_small(in_bytes, {CACHE: 10**9, DOCKER: 2 * 10**9, CHECKOUT: 10**9})
    assert [part in sentence for sentence, part in zip(found, said, strict=True)] == [True] * len(said)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        pytest.param("go version go1.26.8 linux/amd64", (1, 26), id="a release"),
        pytest.param("go version go1.27rc1 linux/arm64", (1, 27), id="a candidate of a release"),
        pytest.param("", None, id="no Go"),
    ],
)
def test_the_version_of_go_is_read(text: str, version: tuple[int, int] | None):
    assert go_version(text) == version


class TestDisks:
    def test_that_are_looked_at_are_those_of_the_cache_the_engine_and_the_repository(self, home: Places):
        assert {room.use for room in disk.rooms(home, None)} == {disk.CACHE, disk.DOCKER, disk.CHECKOUT}

    @pytest.mark.parametrize(("folder", "seen"), [("/", True), ("/in/a/virtual/machine", False), ("", False)])
    def test_of_a_docker_of_the_users_is_its_own_if_it_can_be_seen(self, home: Places, engine, docker, folder: str, seen: bool):
        docker.root = folder
        assert (disk.DOCKER in {room.use for room in disk.rooms(home, engine)}) is seen

    def test_of_an_engine_of_ours_is_the_caches(self, home: Places, engine):
        ours = type(engine)({}, ours=True, records=home.state)
        assert {room.use for room in disk.rooms(home, ours)} == {disk.CACHE, disk.DOCKER, disk.CHECKOUT}

    def test_count_what_is_made_already_only_where_room_is_short(self, home: Places, monkeypatch: pytest.MonkeyPatch):
        usage = type(disk.shutil.disk_usage("/"))
        counted = []
        monkeypatch.setattr(disk, "disk_use", lambda folder: counted.append(folder) or 1)
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage(0, 0, disk.MOST))
        disk.rooms(home, None)
        assert counted == []
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage(0, 0, disk.MOST - 1))
        assert {room.use: room.made for room in disk.rooms(home, None)} == {disk.CACHE: 1, disk.DOCKER: 0, disk.CHECKOUT: 1}
        assert home.root in counted


def test_overlay_is_seen_in_the_kernels_list(tmp_path: Path):
    listed = tmp_path / "filesystems"
    listed.write_text("nodev\tproc\nnodev\toverlay\n")
    assert preflight.overlay_in(listed)
