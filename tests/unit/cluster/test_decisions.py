"""What is decided from what was read: pure functions, by tables."""

import argparse
import json
from pathlib import Path

import pytest

from hack.cluster import cli, kubernetes, nodeimage, status
from hack.cluster.cluster import configuration
from hack.cluster.debian import mirror_lines
from hack.cluster.engine import CAP_SYS_ADMIN, CAP_SYS_RESOURCE, lacks
from hack.cluster.golang import version_of
from hack.cluster.images import copied_stages, requirement_files, stages
from hack.cluster.leftovers import in_cgroup
from hack.cluster.loading import listed_digest
from hack.cluster.places import places
from hack.cluster.progress import ClusterError
from hack.cluster.wheels import platform_tags


def test_apt_is_asked_for_the_tried_release_on_the_mirrors_that_it_uses_already():
    index = """\
http://mirror.test/debian/ trixie trixie Debian main
http://mirror.test/debian/ trixie trixie Debian main
http://mirror.test/debian/ trixie-updates trixie-updates Debian main
http://mirror.test/debian-security/ trixie-security trixie-security Debian main
http://mirror.test/debian/ trixie trixie Debian contrib
https://else.test/node nodistro nodistro Node main
"""
    assert mirror_lines(index, "bookworm") == [
        "deb http://mirror.test/debian/ bookworm main",
        "deb http://mirror.test/debian/ bookworm-updates main",
        "deb http://mirror.test/debian-security/ bookworm-security main",
    ]


@pytest.mark.parametrize(
    ("bounding", "denied"),
    [
        pytest.param("000001ffffffffff", [], id="root with everything"),
        pytest.param("000001fffeffffff", [CAP_SYS_RESOURCE], id="root without one"),
        pytest.param("00000000a80425fb", [CAP_SYS_ADMIN, CAP_SYS_RESOURCE], id="root in an ordinary container"),
        pytest.param("0000000000000000", [CAP_SYS_ADMIN, CAP_SYS_RESOURCE], id="nothing at all"),
    ],
)
def test_missing_capabilities_are_read_from_the_process_status(bounding: str, denied: list[int]):
    status = f"Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t{bounding}\n"
    assert [bit for bit in (CAP_SYS_ADMIN, CAP_SYS_RESOURCE) if lacks(status, bit)] == denied


@pytest.mark.parametrize(
    ("machine", "part", "present"),
    [
        pytest.param({"offline": True}, "disableDefaultCNI", True, id="our node image brings its own network"),
        pytest.param({"offline": False}, "disableDefaultCNI", False, id="kind's image has kind's network"),
        pytest.param({"cgroup_v1": True}, "failCgroupV1", True, id="the kubelet is told to bear cgroup v1"),
        pytest.param({"cgroup_v1": False}, "failCgroupV1", False, id="cgroup v2 needs nothing"),
        pytest.param(
            {"no_sys_resource": True}, "restrict_oom_score_adj = true", True, id="without CAP_SYS_RESOURCE no negative oom scores"
        ),
        pytest.param({"no_sys_resource": False}, "restrict_oom_score_adj", False, id="with it nothing is changed"),
    ],
)
def test_kind_is_configured_for_the_machine(machine: dict[str, bool], part: str, present: bool):
    chosen = configuration(**({"offline": False, "cgroup_v1": False, "no_sys_resource": False} | machine))
    assert (part in json.dumps(chosen)) is present
    assert chosen["kind"] == "Cluster"


DOCKERFILE = """\
ARG BASE_IMAGE=python:3.11
FROM ${BASE_IMAGE} AS builder
FROM ${BASE_IMAGE} as runtime
FROM runtime AS operator
COPY --from=builder /build/operator /opt
FROM runtime AS measure
COPY --from=builder /build/measure /opt
COPY --from=other/image /x /x
"""


def test_a_dockerfiles_stages_are_its_targets():
    assert stages(DOCKERFILE) == ["builder", "runtime", "operator", "measure"]


def test_stages_that_are_copied_from_are_named_once_and_images_are_not():
    assert copied_stages(DOCKERFILE) == ["builder"]


def test_requirements_belong_to_the_stage_of_their_name(tmp_path: Path):
    for name in ("operator.txt", "measure.txt", "dev.txt", "operator.in"):
        (tmp_path / name).write_text("")
    assert requirement_files(DOCKERFILE, tmp_path) == [tmp_path / "operator.txt", tmp_path / "measure.txt"]


LISTING = """\
REF                                        TYPE        DIGEST     SIZE      PLATFORMS   LABELS
registry.test/owner/measure:1              application sha256:aaa 1.0 MiB   linux/amd64 -
registry.test/owner/measure@sha256:aaa     application sha256:aaa 1.0 MiB   linux/amd64 -
registry.test/co-owner/measure:2           application sha256:bbb 1.0 MiB   linux/amd64 -
localhost/helper:latest                    application sha256:ccc 1.0 MiB   linux/amd64 -
"""


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("owner/measure:1", ("registry.test/owner/measure:1", "sha256:aaa"), id="a short name is completed by the node"),
        pytest.param("localhost/helper:latest", ("localhost/helper:latest", "sha256:ccc"), id="a full name stays"),
        pytest.param("owner/measure:2", None, id="another owner's image is another image"),
        pytest.param("owner/measure:3", None, id="another tag is not there"),
    ],
)
def test_an_image_is_found_in_the_nodes_list(name: str, found: tuple[str, str] | None):
    assert listed_digest(LISTING, name) == found


@pytest.mark.parametrize(
    ("machine", "best"),
    [
        pytest.param("x86_64", "manylinux_2_36_x86_64", id="Linux on x86"),
        pytest.param("AMD64", "manylinux_2_36_x86_64", id="as Windows calls it"),
        pytest.param("arm64", "manylinux_2_36_aarch64", id="as macOS calls ARM"),
    ],
)
def test_wheels_are_those_of_the_images_platform(machine: str, best: str):
    tags = platform_tags(machine)
    assert tags[0] == best
    assert tags[-1].startswith("manylinux2014_")


def test_no_wheels_for_a_machine_that_images_are_not_made_for():
    with pytest.raises(ClusterError, match="riscv64"):
        platform_tags("riscv64")


def test_kubernetes_is_told_the_version_that_its_module_pins():
    version = kubernetes.version()
    flags = kubernetes.version_flags(version)
    major, minor, _ = version.removeprefix("v").split(".")
    for part in (f"gitVersion={version}", f"gitMajor={major}", f"gitMinor={minor}", "gitTreeState=clean"):
        assert f"-X k8s.io/component-base/version.{part}" in flags


def test_every_part_of_kubernetes_is_pinned_to_the_same_release():
    version = kubernetes.version()
    pins = [
        line.split("=> ")[1]
        for line in (Path(kubernetes.__file__).parent / "kubernetes" / "go.mod").read_text().splitlines()
        if "k8s.io/" in line and "=>" in line
    ]
    assert len(pins) > 20
    assert {pin.split()[1] for pin in pins} == {version.replace("v1.", "v0.")}


def test_a_module_that_is_not_required_has_no_version():
    with pytest.raises(ClusterError, match=r"kubernetes/go.mod does not require example.test/nothing"):
        version_of("kubernetes", "example.test/nothing")


def test_containers_start_from_kinds_defaults():
    changed = nodeimage.container_defaults({"process": {"args": ["sh"], "rlimits": [{"type": "RLIMIT_NOFILE"}]}})
    assert changed == {
        "process": {"args": ["sh"]},
        "hooks": {"createContainer": [{"path": "/kind/bin/mount-product-files.sh"}]},
    }


@pytest.fixture
def containerd_config(tmp_path: Path) -> Path:
    """kind's configuration of containerd, in the folder of kind's base files that is `tmp_path`."""
    config = tmp_path / "etc" / "containerd" / "config.toml"
    config.parent.mkdir(parents=True)
    return config


def test_the_sandbox_image_is_the_one_that_kind_configures(tmp_path: Path, containerd_config: Path):
    containerd_config.write_text('[plugins."x"]\n  # sandbox_image = "old"\n  sandbox_image = "host.test/pause:3.10"\n')
    assert nodeimage.sandbox_image(tmp_path) == "host.test/pause:3.10"


def test_a_kind_that_configures_no_sandbox_image_is_said(tmp_path: Path, containerd_config: Path):
    containerd_config.write_text("version = 3\n")
    with pytest.raises(ClusterError, match="names no sandbox image"):
        nodeimage.sandbox_image(tmp_path)


@pytest.mark.parametrize(
    ("listing", "inside"),
    [
        pytest.param("4:memory:/model-safeguard-1/abc\n0::/x\n", True, id="below it under one controller"),
        pytest.param("0::/model-safeguard-1\n", True, id="in it, cgroup v2"),
        pytest.param("0::/model-safeguard-12/abc\n", False, id="in one whose name only begins alike"),
        pytest.param("0::/system/model-safeguard-1/abc\n", False, id="in one of that name elsewhere"),
    ],
)
def test_a_containers_process_is_known_by_its_cgroup(listing: str, inside: bool):
    assert in_cgroup(listing, "/model-safeguard-1") is inside


@pytest.mark.parametrize(
    ("environment", "root"),
    [
        pytest.param({"XDG_CACHE_HOME": "/big/cache"}, Path("/big/cache/model-safeguard"), id="where the user keeps caches"),
        pytest.param({}, Path.home() / ".cache" / "model-safeguard", id="where caches are by default"),
        pytest.param({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache" / "model-safeguard", id="a relative folder counts for nothing"),
    ],
)
def test_everything_is_below_the_users_cache(environment: dict[str, str], root: Path):
    assert places(environment).root == root


def test_sockets_have_short_paths_however_deep_the_cache_is():
    run = places({"XDG_CACHE_HOME": "/" + "deep/" * 40}).run
    assert len(str(run / "exec" / "libnetwork" / ("0" * 12 + ".sock"))) < 108
    assert run != places({"XDG_CACHE_HOME": "/elsewhere"}).run


@pytest.mark.parametrize("name", ["safeguard", "a-1", "x" * 40])
def test_a_name_that_can_be_part_of_a_host_name_is_taken(name: str):
    assert cli.cluster_name(name) == name


@pytest.mark.parametrize("name", ["", "-x", "A", "a_b", "../x", "ä", "x" * 41])
def test_a_name_that_cannot_be_part_of_a_host_name_is_refused(name: str):
    with pytest.raises(argparse.ArgumentTypeError, match="lower-case letters"):
        cli.cluster_name(name)


@pytest.mark.parametrize("text", ["X", "=1", ""])
def test_a_build_argument_without_key_or_value_is_refused(text: str):
    with pytest.raises(argparse.ArgumentTypeError, match="KEY=VALUE"):
        cli.build_argument(text)


def test_a_build_arguments_value_may_have_any_sign_in_it():
    assert cli.build_argument("BASE_IMAGE=python@sha256:1=2") == ("BASE_IMAGE", "python@sha256:1=2")


@pytest.mark.parametrize(("count", "text"), [(0, "0 MB"), (562_000_000, "562 MB"), (1_260_000_000, "1.3 GB")])
def test_sizes_are_written_for_people(count: int, text: str):
    assert status.size(count) == text
