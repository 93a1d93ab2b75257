import json
import os
from pathlib import Path
from typing import Any

import pytest

from hack.cluster import runc_wrapper


class BecameRunc(Exception):  # noqa: N818  an event, not an error
    pass


@pytest.fixture
def runc(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The calls of runc that the wrapper ends with."""
    calls: list[list[str]] = []

    def become(path: str, arguments: list[str]) -> None:
        calls.append([path, *arguments[1:]])
        raise BecameRunc

    monkeypatch.setattr(os, "execv", become)
    return calls


def process() -> dict[str, Any]:
    return {
        "args": ["sh"],
        "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "effective": ["CAP_SYS_RESOURCE"], "permitted": []},
    }


REDUCED = {"args": ["sh"], "capabilities": {"bounding": ["CAP_CHOWN"], "effective": [], "permitted": []}}


@pytest.mark.parametrize("form", [["--bundle", "{}"], ["--bundle={}"], ["-b", "{}"]], ids=" ".join)
def test_a_container_is_created_without_the_capability(tmp_path: Path, runc: list[list[str]], form: list[str]):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"process": process(), "root": {"path": "rootfs"}}))
    arguments = ["--root", "/r", "create", *(word.format(tmp_path) for word in form), "id"]
    with pytest.raises(BecameRunc):
        runc_wrapper.main(arguments)
    assert json.loads(config.read_text()) == {"process": REDUCED, "root": {"path": "rootfs"}}
    assert runc == [[runc_wrapper.RUNC, *arguments]]


def test_a_process_is_added_without_the_capability(tmp_path: Path, runc: list[list[str]]):
    path = tmp_path / "process.json"
    path.write_text(json.dumps(process()))
    with pytest.raises(BecameRunc):
        runc_wrapper.main(["exec", "--process", str(path), "id"])
    assert json.loads(path.read_text()) == REDUCED
    assert len(runc) == 1


def test_a_process_without_capabilities_is_left_alone(tmp_path: Path, runc: list[list[str]]):
    path = tmp_path / "process.json"
    path.write_text('{"args":  ["sh"]}')
    with pytest.raises(BecameRunc):
        runc_wrapper.main(["exec", "-p", str(path), "id"])
    assert path.read_text() == '{"args":  ["sh"]}'
    assert len(runc) == 1


def test_other_calls_go_straight_to_runc(runc: list[list[str]]):
    with pytest.raises(BecameRunc):
        runc_wrapper.main(["delete", "--force", "id"])
    assert runc == [[runc_wrapper.RUNC, "delete", "--force", "id"]]
