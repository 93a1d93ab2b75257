"""The Makefile's own logic, in a copy of it: also as a make before 3.82 has it, which passes .SHELLFLAGS over."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hack.cluster.places import REPOSITORY


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    return tmp_path


def make(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run it with an environment of no more than PATH; programs of the repository are stood in for by the shell's."""
    command = ["make", "--no-print-directory", "--directory", str(folder), "PYTHON=true", *words]
    return subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("flags", [[], [".SHELLFLAGS=-c"]], ids=["this make", "an old make"])
@pytest.mark.parametrize("level", ["unit", "integration", "e2e"])
def test_a_level_that_fails_fails_although_its_output_is_kept(copy: Path, level: str, flags: list[str]):
    assert make(copy, *flags, "RUN=false", level).returncode != 0
    assert make(copy, *flags, "RUN=true", level).returncode == 0
    assert (copy / "build" / "test" / f"{level}.log").exists()


def test_each_level_keeps_its_temporary_files_in_the_repository_and_apart(copy: Path):
    said = [make(copy, "RUN=echo", level).stdout for level in ("unit", "integration", "e2e")]
    folders = {text.partition("--basetemp ")[2].split()[0] for text in said}
    assert folders == {f"build/test/tmp-{level}" for level in ("unit", "integration", "e2e")}


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        pytest.param("test", "preflight --tests", id="the tests need an API server"),
        pytest.param("demo", "preflight", id="the demo does not"),
    ],
)
def test_what_is_missing_is_said_before_anything_else(copy: Path, target: str, asked: str):
    plan = make(copy, "--dry-run", "PYTHON=python3", target).stdout.splitlines()
    assert plan[0].rstrip() == f"python3 -m hack.cluster {asked}"


def test_nothing_is_begun_where_preflight_refuses(copy: Path):
    done = make(copy, "CLUSTER=false", "RUN=touch begun;", "test")
    assert done.returncode != 0
    assert not (copy / "begun").exists()


def test_clean_removes_what_is_read_only_as_well_and_leaves_the_rest(copy: Path):
    published = copy / "build" / "test" / "tmp-unit" / "versions"
    published.mkdir(parents=True)
    (published / "model").write_text("")
    published.chmod(0o555)
    (copy / "notes").write_text("mine")
    assert make(copy, "clean").returncode == 0
    assert sorted(path.name for path in copy.iterdir()) == ["Makefile", "notes"]


@pytest.mark.parametrize(
    ("made", "left"),
    [
        pytest.param(["made-of"], [], id="is removed if it is ours"),
        pytest.param([], [".venv/lib/__pycache__"], id="stays if it is somebody else's"),
    ],
)
def test_at_clean_an_environment(copy: Path, made: list[str], left: list[str]):
    (copy / ".venv" / "lib" / "__pycache__").mkdir(parents=True)
    for name in made:
        (copy / ".venv" / name).write_text("")
    assert make(copy, "clean").returncode == 0
    assert [str(path.relative_to(copy)) for path in copy.glob(".venv/lib/*")] == left
    assert (copy / ".venv").exists() == bool(left)


def test_a_manifest_that_cannot_be_rendered_leaves_the_old_one(copy: Path):
    (copy / "manifests").mkdir()
    (copy / "manifests" / "install.yaml").write_text("old")
    assert make(copy, ".SHELLFLAGS=-c", "CLUSTER=false", "manifests").returncode != 0
    assert (copy / "manifests" / "install.yaml").read_text() == "old"
