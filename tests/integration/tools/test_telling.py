"""What the demo prints when it is over, and which kubectl it uses."""

import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from hack.cluster.places import places
from hack.demo import kube as module
from hack.demo import setup
from hack.demo.__main__ import farewell
from hack.demo.kube import Kube
from hack.demo.telling import Teller


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl in a folder with a space in its name; another one is on PATH."""
    for folder in ("on path", "built here"):
        made = tmp_path / folder / "kubectl"
        made.parent.mkdir()
        made.write_text(f'#!/bin/sh\necho "{folder}: KUBECONFIG=$KUBECONFIG KUBECACHEDIR=$KUBECACHEDIR"\n')
        made.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'on path'}:/bin")
    return made


def exports(capsys: pytest.CaptureFixture[str], kubectl: Path) -> list[str]:
    world = SimpleNamespace(kube=SimpleNamespace(kubeconfig=Path("/k"), namespace="n", program=kubectl))
    farewell(Teller(), world)
    return re.findall(r"^    (export .*)$", capsys.readouterr().out, re.MULTILINE)


def test_what_to_try_next_works_with_the_kubectl_that_was_used(program: Path, capsys: pytest.CaptureFixture[str]):
    lines = exports(capsys, program)
    found = subprocess.run(["sh", "-c", "\n".join([*lines, "command -v kubectl"])], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(program)


def test_nothing_is_said_of_path_where_a_shell_finds_that_one_anyway(program: Path, capsys: pytest.CaptureFixture[str]):
    assert exports(capsys, program.parent.with_name("on path") / "kubectl") == ["export KUBECONFIG=/k"]


def test_where_a_shell_finds_none_the_folder_is_said(program: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert f"export PATH='{program.parent}':$PATH" in exports(capsys, program)


def test_the_cluster_is_talked_to_by_the_kubectl_that_the_cluster_tool_names(monkeypatch: pytest.MonkeyPatch):
    answers = {"up": ["/a/kubeconfig"], "kubectl": ["/a/kubectl"]}
    monkeypatch.setattr(setup, "cluster_tool", lambda verb, *_: answers[verb])
    monkeypatch.setattr(setup, "Kube", lambda *given: given)
    assert setup.cluster("c") == (Path("/a/kubeconfig"), Path("/a/kubectl"), "modelsafeguard")


def test_kubectl_leaves_no_cache_in_the_users_home(program: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module.config, "load_kube_config", lambda *_, **__: None)
    monkeypatch.setattr(module, "DynamicClient", lambda *_, **__: None)
    said = Kube(Path("/k"), program, "n").kubectl("get", "pods")
    assert said.startswith("built here: KUBECONFIG=/k ")
    assert Path(said.strip().partition("KUBECACHEDIR=")[2]).is_relative_to(places().root)
