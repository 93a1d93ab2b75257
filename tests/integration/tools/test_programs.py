"""Programs of others that are started here: which one, in which version, and with what in their environment."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from hack.cluster import kubernetes, wheels
from hack.cluster.cache import Cache
from hack.cluster.golang import Go
from hack.cluster.places import REPOSITORY, Places

KUBECTL = """#!/bin/sh
echo '{"clientVersion": {"gitVersion": "VERSION"}}'
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder on PATH, beside the shell's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    monkeypatch.setattr("shutil.which", lambda name, **_: str(folder / name) if (folder / name).exists() else None)
    return folder


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


class TestKubectl:
    @pytest.fixture
    def go(self, home: Places) -> Go:
        return Go(home, Cache(home.entries))

    def build(self, go: Go, version: str) -> Path:
        entry = go.cache.entry(
            "kubernetes", {"version": version}, lambda content: program(content / "kubectl", KUBECTL.replace("VERSION", version))
        )
        return entry / "kubectl"

    def test_is_the_one_that_was_built_with_this_kubernetes_whatever_is_on_path(self, go: Go, path: Path):
        program(path / "kubectl", KUBECTL.replace("VERSION", "v1.2.3"))
        built = self.build(go, kubernetes.version())
        self.build(go, "v1.2.4")
        assert kubernetes.kubectl(go) == built

    @pytest.mark.parametrize("entry", ["none", "of another version", "damaged", "does not run"])
    def test_is_the_one_on_path_where_none_was_built(self, go: Go, path: Path, entry: str):
        on_path = program(path / "kubectl", KUBECTL.replace("VERSION", "v1.2.3"))
        if entry != "none":
            built = self.build(go, "v1.2.4" if entry == "of another version" else kubernetes.version())
            if entry == "damaged":
                built.write_text("")
            elif entry == "does not run":
                built.chmod(0o644)
        assert kubernetes.kubectl(go) == on_path

    def test_is_built_where_there_is_none_at_all(self, go: Go, path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(kubernetes, "binaries", lambda _: path / "built")
        assert kubernetes.present_kubectl(go.cache) is None
        assert kubernetes.kubectl(go) == path / "built" / "kubectl"


class TestGo:
    def test_may_fetch_the_version_that_a_module_asks_for_whatever_its_packager_or_the_user_has_set(
        self, home: Places, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("GOTOOLCHAIN", "local")
        assert Go(home, Cache(home.entries)).environment()["GOTOOLCHAIN"] == "auto"

    def test_keeps_its_caches_below_our_own_folder(self, home: Places):
        environment = Go(home, Cache(home.entries)).environment()
        assert all(Path(environment[name]).is_relative_to(home.root) for name in ("GOMODCACHE", "GOCACHE"))


def test_pip_keeps_its_cache_below_our_own_folder(home: Places, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(wheels, "run", lambda _, **given: asked.append(given["env"]["PIP_CACHE_DIR"]))
    monkeypatch.setattr(wheels, "pip", lambda: ["pip"])
    requirements = home.root.parent / "some.txt"
    requirements.parent.mkdir(parents=True)
    requirements.write_text("")
    wheels._downloaded(requirements, ["any"], home, Cache(home.entries))
    assert [Path(folder).is_relative_to(home.root) for folder in asked] == [True]


START = """
import runpy, sys
sys.version_info, sys.version = (3, 9, 2, "final", 0), "3.9.2 (of Debian 11)"
sys.argv = ["hack", "preflight"]
runpy.{how}
"""


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("run_module('hack.venv', run_name='__main__')", id="python3 -m hack.venv"),
        pytest.param("run_module('hack.cluster', run_name='__main__')", id="python3 -m hack.cluster"),
        pytest.param("run_path('hack/cluster', run_name='__main__')", id="python3 hack/cluster"),
    ],
)
def test_a_python_that_is_too_old_is_said_in_a_sentence(how: str):
    done = subprocess.run([sys.executable, "-c", START.format(how=how)], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("✗ Python 3.11 or newer is needed, and ")
    assert "is 3.9.2; name another one" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("file", ["hack/venv.py", "hack/cluster/__main__.py", "hack/cluster/__init__.py"])
def test_the_files_that_are_read_before_that_are_in_the_syntax_of_an_old_python(file: str):
    ast.parse((REPOSITORY / file).read_text(), feature_version=(3, 6))
